// `npm run bench:report`: the tables and charts of README.md and docs/, made of the results that lie in results/.
import { writeFile } from 'node:fs/promises'
import { pages } from './report/pages.mjs'

for (const [path, text] of Object.entries(pages())) await writeFile(new URL(`../${path}`, import.meta.url), text)
