import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json: the same from a source and from its compiled copy under .build/. */
export const packageRoot = findUp(dirname(fileURLToPath(import.meta.url)))

function findUp (folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findUp(dirname(folder))
}
