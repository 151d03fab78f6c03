// What both charts are drawn with. Each carries its own background, so that it is readable whatever lies behind it.
const font = "-apple-system, BlinkMacSystemFont, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"

/** GitHub's own greys; the hues keep apart for colour-blind readers and lie on both backgrounds. */
const light = { background: '#ffffff', border: '#d1d9e0', text: '#1f2328', muted: '#59636e', grid: '#e6eaef', hues: { own: '#0969da', amber: '#d97b0b', slate: '#8c959f', rose: '#c2528b', ink: '#1f2328' } }
const dark = { background: '#0d1117', border: '#3d444d', text: '#f0f6fc', muted: '#9198a1', grid: '#21262d', hues: { own: '#4493f8', amber: '#e8973a', slate: '#6e7681', rose: '#db7ab0', ink: '#f0f6fc' } }

const hueOf = { 'fastify-typed-ws': 'own', 'uWebSockets.js': 'amber', ws: 'slate', '@fastify/websocket': 'slate', 'socket.io': 'rose', net: 'ink' }
export const hue = name => hueOf[name] ?? 'ink'

function rulesOf ({ background, border, text, muted, grid, hues }) {
  return [
    `.background { fill: ${background}; stroke: ${border} }`,
    `text { fill: ${text} } .muted { fill: ${muted} }`,
    `.grid { stroke: ${grid} } .base { stroke: ${muted} }`,
    ...Object.entries(hues).map(([name, colour]) => `.${name} { fill: ${colour}; stroke: ${colour} }`)
  ].join(' ')
}

const style = [
  `text { font-family: ${font}; font-size: 12px; stroke: none } .title { font-size: 17px; font-weight: 600 } .small { font-size: 11px } .strong { font-weight: 600 }`,
  '.end { text-anchor: end } .middle { text-anchor: middle }',
  '.bar, .swatch { stroke: none } .whisker { stroke-width: 1; opacity: .55 } path.line { fill: none } .line { stroke-width: 2; stroke-linejoin: round }',
  rulesOf(light),
  `@media (prefers-color-scheme: dark) { ${rulesOf(dark)} }`
].join('\n')

const escaped = text => String(text).replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`)

/** One element; numbers keep one decimal, and what is undefined is left out. */
export function element (name, attributes, ...children) {
  const written = Object.entries(attributes).filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? Math.round(value * 10) / 10 : escaped(value)}"`).join('')
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join('')}</${name}>`
}

export function text (x, y, words, classes) {
  return element('text', { x, y, class: classes }, escaped(words))
}

export function line (x1, y1, x2, y2, classes) {
  return element('line', { x1, y1, x2, y2, class: classes })
}

/** Words over at most two lines. */
export function wrapped (words, length) {
  if (words.length <= length) return [words]
  const cut = words.lastIndexOf(' ', length)
  return cut < 0 ? [words] : [words.slice(0, cut), words.slice(cut + 1)]
}

/** The whole file: `title` and `description` are also for those who listen to it. */
export function drawing ({ width, height, title, description }, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    element('title', { id: 'title' }, escaped(title)),
    element('desc', { id: 'description' }, escaped(description)),
    `<style>\n${style}\n</style>`,
    element('rect', { x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 6, class: 'background' }),
    ...parts,
    '</svg>\n'
  ].join('\n')
}
