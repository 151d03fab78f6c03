import { element } from './element.js'
import { inAscii, inHex } from './bytes.js'

const perRow = 8

/** The frame's bytes as tools show them: where in the frame, hexadecimal, as text. Two columns of the same: as on the wire, and unmasked. */
export function drawDump (frame) {
  const dump = element('div', { class: 'dump' })
  dump.append(drawBlock('On the wire', frame.bytes, frame))
  if (frame.key !== null && frame.plain.length > 0) {
    dump.append(drawBlock('Unmasked', Uint8Array.of(...frame.header, ...frame.plain), frame))
  }
  return dump
}

function drawBlock (title, bytes, frame) {
  const block = element('div', { class: 'block' })
  block.append(element('h3', {}, title))
  const rows = element('div', { class: 'rows' })
  for (let at = 0; at < bytes.length; at += perRow) rows.append(drawRow(bytes.subarray(at, at + perRow), at, frame))
  block.append(rows)
  return block
}

function drawRow (bytes, start, frame) {
  const row = element('div', { class: 'row' }, element('span', { class: 'offset' }, start.toString(16).padStart(4, '0')))
  const hex = element('span', { class: 'hex' })
  const text = element('span', { class: 'ascii' })
  bytes.forEach((byte, index) => {
    const at = start + index
    const attributes = { 'data-from': String(at * 8), 'data-to': String(at * 8 + 8), 'data-kind': kindOf(at, frame) }
    hex.append(element('span', attributes, inHex(byte)))
    text.append(element('span', attributes, inAscii(byte)))
  })
  row.append(hex, text)
  return row
}

/** The field that most of a byte belongs to. */
function kindOf (at, frame) {
  if (at >= frame.header.length) return 'payload'
  if (at === 0) return 'opcode'
  const field = frame.fields.findLast(field => field.at <= at * 8 + 7)
  return field.name
}
