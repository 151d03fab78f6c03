/** Where a page's links lead, as seen from the URL by which a browser came: a proxy may have taken a prefix off it. */
export interface Links {
  /** The folder of the document's routes, with its slash. */
  readonly folder: string
  /** The root of the application, with its slash. */
  readonly root: string
  readonly page: string
}

/** What is said on the pages. */
interface PageWords {
  readonly title: string
  readonly page: boolean
  readonly tryIt: boolean
  readonly yaml: boolean
}

/**
 * @param url as the browser sent it
 * @param path of the document's routes, with the prefixes of their scope
 * @param isInFolder whether it is the URL of `<path>/…`, or of `<path>` itself
 */
export function linksFrom (url: string, path: string, isInFolder: boolean): Links {
  const names = path.split('/').filter(Boolean)
  const last = url.split('?', 1)[0].split('/').at(-1) ?? ''
  const segments = names.length + (isInFolder ? 1 : 0)
  // A router may take `/asyncapi/` for `/asyncapi`.
  const depth = last === '' ? segments : segments - 1
  const root = up(depth)
  if (!isInFolder) return { root, folder: last === '' ? './' : `./${last}/`, page: './' }
  const folder = up(depth - names.length)
  return { root, folder, page: names.length === 0 ? folder : `${up(depth - names.length + 1)}${names.at(-1)}` }
}

function up (levels: number): string {
  return levels === 0 ? './' : '../'.repeat(levels)
}

/** The page that shows the document. The scripts run in this order, when it is read. */
export function readerHtml ({ title, tryIt, yaml }: PageWords, version: string, links: Links): string {
  const asset = (name: string): string => escape(`${links.folder}assets/${version}/${name}`)
  return `<!doctype html>
<html lang="en" class="reader">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escape(title)}</title>
  <link rel="icon" href="data:,">
  <link rel="alternate" type="application/json" href="${escape(links.folder)}json">
  <link rel="stylesheet" href="${asset('renderer.css')}">
  <link rel="stylesheet" href="${asset('page.css')}">
  <script type="module" src="${asset('asyncapi/page/without-eval.js')}"></script>
  <script defer src="${asset('renderer.js')}"></script>
  <script type="module" src="${asset('asyncapi/page/reader.js')}"></script>
</head>
<body>
  <header class="bar">
    <strong>${escape(title)}</strong>
    <nav aria-label="Document">
      ${tryIt ? `<a class="call" href="${escape(links.folder)}try">Try it</a>` : ''}
      ${documentLinks(links, yaml)}
    </nav>
  </header>
  <div id="document" data-document="${escape(links.folder)}json"><p class="wait" role="status">Reading the document …</p></div>
  <noscript><p class="wait">This page needs JavaScript. The document is there without it.</p></noscript>
</body>
</html>
`
}

/** The page that speaks to the routes; its script fills it. */
export function tryHtml ({ title, page, yaml }: PageWords, version: string, links: Links): string {
  const asset = (name: string): string => escape(`${links.folder}assets/${version}/${name}`)
  return `<!doctype html>
<html lang="en" class="try">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Try ${escape(title)}</title>
  <link rel="icon" href="data:,">
  <link rel="alternate" type="application/json" href="${escape(links.folder)}json">
  <link rel="stylesheet" href="${asset('page.css')}">
  <script type="module" src="${asset('asyncapi/page/try.js')}"></script>
</head>
<body>
  <header class="bar">
    <strong>${escape(title)}</strong>
    <nav aria-label="Document">
      ${page ? `<a href="${escape(links.page)}">Documentation</a>` : ''}
      ${documentLinks(links, yaml)}
    </nav>
  </header>
  <main id="try" data-document="${escape(links.folder)}json" data-root="${escape(links.root)}"><p class="wait" role="status">Reading the document …</p></main>
  <noscript><p class="wait">This page needs JavaScript.</p></noscript>
</body>
</html>
`
}

function documentLinks ({ folder }: Links, yaml: boolean): string {
  return ['json', ...(yaml ? ['yaml'] : [])].map(name => `<a href="${escape(folder + name)}">${name.toUpperCase()}</a>`).join('\n      ')
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escape (text: string): string {
  return text.replace(/[&<>"']/g, character => entities[character] ?? character)
}
