import { element } from './element.js'
import { inAscii, inBits, inHex } from './bytes.js'
import { fieldNames } from './explain.js'

const width = 32
/** How many rows of the payload are drawn before somebody asks for all. */
const firstRows = 6

const shortNames = { ...fieldNames, length: 'Payload len', length16: 'Extended payload length', length64: 'Extended payload length', key: 'Masking key' }

/**
 * The figure of RFC 6455 section 5.2, of a frame as it is: 32 bits a row. Each cell knows the bits that it stands for, as `data-from` and `data-to`, counted
 * from the frame's first.
 */
export function drawFigure (frame, showsAll, onAll) {
  const figure = element('div', { class: 'figure', role: 'group', 'aria-label': 'The frame, 32 bits a row' })
  figure.append(drawRuler())
  for (const field of frame.fields) {
    for (const segment of segmentsOf(field.at, field.at + field.bits)) figure.append(drawField(field, segment, frame))
  }

  const start = frame.header.length
  const rows = showsAll ? Infinity : firstRows
  const most = Math.min(frame.wire.length, rows * 4 + (4 - start % 4) % 4)
  for (let index = 0; index < most; index++) figure.append(drawPayloadByte(index, start + index, frame))
  if (most < frame.wire.length) {
    const more = element('button', { type: 'button', class: 'more' }, `Draw ${frame.wire.length - most} more bytes`)
    more.onclick = onAll
    figure.append(more)
  }
  if (frame.hidden > 0 && most === frame.wire.length) {
    figure.append(element('p', { class: 'cut' }, frame.problem === null
      ? `and ${frame.hidden.toLocaleString('en')} more bytes, which the inspector leaves out`
      : `and ${frame.hidden.toLocaleString('en')} bytes that were announced, and are not shown`))
  }
  return figure
}

/** What the colours mean. */
export function drawLegend () {
  const entries = [['fin', 'flags'], ['opcode', 'opcode'], ['length', 'length'], ['mask', 'mask, key'], ['payload', 'payload']]
  return element('ul', { class: 'legend-list' }, ...entries.map(([name, text]) => element('li', { class: name }, text)))
}

/** The bits' numbers, as in the RFC: tens above units. */
function drawRuler () {
  const ruler = element('div', { class: 'ruler', 'aria-hidden': 'true' })
  for (let bit = 0; bit < width; bit++) {
    ruler.append(element('span', bit % 8 === 0 ? { class: 'first' } : {}, element('i', {}, bit % 10 === 0 ? String(bit / 10) : ''), String(bit % 10)))
  }
  return ruler
}

/** A field's parts, cut where the rows end. */
function segmentsOf (from, to) {
  const segments = []
  for (let at = from; at < to;) {
    const end = Math.min(to, (Math.floor(at / width) + 1) * width)
    segments.push({ from: at, to: end })
    at = end
  }
  return segments
}

function drawField (field, { from, to }, frame) {
  const isFirst = from === field.at
  const isNarrow = field.bits === 1
  const cell = cellOf(from, to, `field ${field.name}${isNarrow ? ' narrow' : ''}`)
  cell.dataset.field = field.name
  cell.setAttribute('aria-label', isFirst ? `${fieldNames[field.name]}: ${field.value}` : `${fieldNames[field.name]}, continued`)
  cell.append(element('span', { class: 'name' }, isFirst ? shortNames[field.name] : 'continued'))
  const bits = element('span', { class: 'bits' })
  for (let at = from; at < to; at++) bits.append(element('b', {}, String(bitOf(frame.header, at))))
  cell.append(bits)
  if (!isNarrow) cell.append(valueOf(field, from, to, frame))
  return cell
}

function valueOf (field, from, to, frame) {
  const value = element('span', { class: 'value' })
  if (field.name === 'opcode') value.append(`${Number(field.value).toString(16)} ${frame.opcode === 'continuation' ? 'cont.' : frame.opcode}`)
  else if (field.name === 'length') value.append(field.value === '126' ? '126 → 16 bits' : field.value === '127' ? '127 → 64 bits' : field.value)
  else if (field.name === 'key') {
    for (let at = from / 8; at < to / 8; at++) value.append(element('span', { class: 'key-byte', 'data-key': String(at - field.at / 8) }, inHex(frame.header[at])))
  } else if (to === field.at + field.bits) value.append(Number(field.value).toLocaleString('en'))
  return value
}

function drawPayloadByte (index, at, frame) {
  const cell = cellOf(at * 8, at * 8 + 8, `payload${frame.key === null || index >= frame.plain.length ? ' clear' : ''}`)
  cell.dataset.index = String(index)
  cell.tabIndex = index === 0 ? 0 : -1
  const wire = frame.wire[index]
  const bits = element('span', { class: 'bits' })
  for (const bit of inBits(wire)) bits.append(element('b', {}, bit))
  cell.append(bits)

  if (index >= frame.plain.length) {
    cell.append(element('span', { class: 'plain' }, inHex(wire)))
    return cell
  }
  const plain = frame.plain[index]
  if (frame.key !== null) {
    cell.append(element('span', { class: 'masked' }, inHex(wire), element('i', {}, ' ⊕ '), element('span', { class: 'key-byte' }, inHex(frame.key[index % 4]))))
  }
  cell.append(element('span', { class: 'plain' }, frame.key === null ? '' : element('i', {}, '= '), inHex(plain), ' ', drawCharacter(index, plain, frame)))
  cell.setAttribute('aria-label', `Payload byte ${index}: ${inHex(plain)}`)
  return cell
}

function drawCharacter (index, plain, frame) {
  if (frame.isCompressed) return ''
  if (frame.opcode === 'close' && index < 2) return element('em', { class: 'part' }, 'code')
  const character = frame.characters[index]
  if (character === undefined || character === null) return element('em', { class: 'other' }, frame.isText ? '…' : inAscii(plain))
  if (character.size === 1) return element('em', {}, inAscii(plain))
  return element('em', { class: 'part' }, character.text, element('sub', {}, `${character.index + 1}/${character.size}`))
}

function cellOf (from, to, kind) {
  const cell = element('button', { type: 'button', class: `cell ${kind}`, 'data-from': String(from), 'data-to': String(to) })
  cell.style.gridColumn = `${from % width + 1} / span ${to - from}`
  cell.style.gridRow = String(Math.floor(from / width) + 2)
  return cell
}

function bitOf (bytes, at) {
  return bytes[at >> 3] >> (7 - at % 8) & 1
}
