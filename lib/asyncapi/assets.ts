import { createHash } from 'node:crypto'
import { createReadStream, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Readable } from 'node:stream'
import { FST_ERR_WS_ASYNCAPI } from '../errors.ts'
import { styles } from './styles.ts'

/** A file that the pages load. */
export interface Asset {
  readonly type: string
  /** Where it lies, or what it is. */
  readonly source: { readonly file: string } | { readonly text: string }
}

/** Finds a file of an installed package. */
export type ResolveFile = (specifier: string) => string

const script = 'text/javascript; charset=utf-8'
const style = 'text/css; charset=utf-8'

/** The parent of this folder: the compiled files of the pages and of the client lie beside each other, and import each other as they do here. */
const library = fileURLToPath(new URL('..', import.meta.url))

/** What the pages load, by the end of its URL: nothing else of the disk is served. */
export class Assets {
  /** Changes with any of them: it is part of their URLs, so that browsers keep them for good. */
  readonly version: string
  readonly #assets: ReadonlyMap<string, Asset>

  constructor (assets: ReadonlyMap<string, Asset>) {
    this.#assets = assets
    const hash = createHash('sha256')
    for (const [name, { source }] of assets) hash.update(name).update('text' in source ? source.text : readFileSync(source.file))
    this.version = hash.digest('base64url').slice(0, 16)
  }

  /** @throws FST_ERR_WS_ASYNCAPI where the renderer is not installed */
  static ofPages ({ page, tryIt }: { readonly page: boolean, readonly tryIt: boolean }, resolve: ResolveFile = createRequire(import.meta.url).resolve): Assets {
    return new Assets(new Map([
      ...(page ? rendererFiles(resolve) : []),
      ['page.css', { type: style, source: { text: styles } }],
      ...modulesOf('asyncapi/page'),
      ...modulesOf('asyncapi/page/model'),
      ...(tryIt ? modulesOf('client') : [])
    ]))
  }

  get (name: string): Asset | undefined {
    return this.#assets.get(name)
  }
}

export function contentOf ({ source }: Asset): string | Readable {
  return 'text' in source ? source.text : createReadStream(source.file)
}

function rendererFiles (resolve: ResolveFile): Array<[string, Asset]> {
  try {
    return [
      ['renderer.js', { type: script, source: { file: resolve('@asyncapi/react-component/browser/standalone/without-parser.js') } }],
      ['renderer.css', { type: style, source: { file: resolve('@asyncapi/react-component/styles/default.min.css') } }]
    ]
  } catch {
    throw new FST_ERR_WS_ASYNCAPI('the page needs the package @asyncapi/react-component: install it, or set page: false')
  }
}

function modulesOf (folder: string): Array<[string, Asset]> {
  return readdirSync(join(library, folder))
    .filter(name => name.endsWith('.js'))
    .map(name => [`${folder}/${name}`, { type: script, source: { file: join(library, folder, name) } }])
}
