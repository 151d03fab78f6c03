import { inBits, inHex } from './bytes.js'

const opcodes = {
  0: 'continuation: goes on with the message that the frames before it began',
  1: 'text: the payload is UTF-8',
  2: 'binary: the payload is any bytes',
  8: 'close: the sender says goodbye, and sends nothing after it',
  9: 'ping: the other side must answer with a pong',
  10: 'pong: the answer to a ping, with the same payload'
}

const fields = {
  fin: ({ value }, frame) => value === '1'
    ? [frame.opcode === 'continuation' ? 'The last frame of its message.' : 'The first frame of its message is also the last: the message is whole.', '5.4']
    : ['More frames follow that belong to this message: it is fragmented.', '5.4'],
  rsv1: ({ value }) => reserved(value, 'An extension gives it a meaning: with permessage-deflate it says that the message is compressed.'),
  rsv2: ({ value }) => reserved(value, 'No extension in use gives it a meaning.'),
  rsv3: ({ value }) => reserved(value, 'No extension in use gives it a meaning.'),
  opcode: ({ value }) => [`What kind of frame it is. ${value} is ${opcodes[value] ?? 'reserved: nobody may send it yet'}.`, '5.2'],
  mask: ({ value }) => value === '1'
    ? ['The payload is masked, and a key follows. A client must mask every frame.', '5.1']
    : ['The payload is as it is, and there is no key. A server must not mask.', '5.1'],
  length: ({ value }) => value === '126'
    ? ['126 is no length: it says that the next 16 bits are.', '5.2']
    : value === '127'
      ? ['127 is no length: it says that the next 64 bits are.', '5.2']
      : [`The payload has ${bytes(value)}. Up to 125 fit into these 7 bits.`, '5.2'],
  length16: ({ value }) => [`The payload has ${bytes(value)}, in network byte order: the highest byte comes first.`, '5.2'],
  length64: ({ value }) => [`The payload has ${bytes(value)}: more than 16 bits can say. The highest of the 64 bits must be 0.`, '5.2'],
  key: () => ['Four bytes that the client takes at random for each frame. Each byte of the payload is XORed with one of them.', '5.3']
}

export const fieldNames = {
  fin: 'FIN',
  rsv1: 'RSV1',
  rsv2: 'RSV2',
  rsv3: 'RSV3',
  opcode: 'Opcode',
  mask: 'MASK',
  length: 'Payload length',
  length16: 'Extended payload length, 16 bits',
  length64: 'Extended payload length, 64 bits',
  key: 'Masking key'
}

/** A field in one sentence: `{ title, text, section }`. */
export function explainField (field, frame) {
  const [text, section] = fields[field.name](field, frame)
  const value = field.name === 'key' ? field.value.replace(/..(?=.)/g, '$& ') : Number(field.value).toLocaleString('en')
  return { title: `${fieldNames[field.name]} = ${value}`, text, section }
}

/** A byte of the payload: what it says, and the lines of the sum that unmasks it. */
export function explainPayload (index, frame) {
  const title = `Payload, byte ${index.toLocaleString('en')}`
  const wire = frame.wire[index]
  if (index >= frame.plain.length) return { title, text: `0x${inHex(wire)}. The parser refused the frame, and read no payload.`, section: '7.1.7' }

  const plain = frame.plain[index]
  const said = meaningOf(index, frame)
  if (frame.key === null) return { title, text: `0x${inHex(plain)} = ${inBits(plain)}. It is not masked.${said}`, section: '5.2' }
  const key = frame.key[index % 4]
  return {
    title,
    text: `Masked with byte ${index} mod 4 = ${index % 4} of the key.${said}`,
    section: '5.3',
    sum: [['', wire, 'on the wire'], ['⊕', key, `key byte ${index % 4}`], ['=', plain, 'unmasked']]
  }
}

/** A byte of the header has several fields. */
export function explainHeaderByte (index, frame) {
  const covered = frame.fields.filter(({ at, bits }) => at < index * 8 + 8 && at + bits > index * 8)
  if (covered.length === 1) return explainField(covered[0], frame)
  const list = covered.map(field => `${fieldNames[field.name]} ${field.value}`).join(', ')
  return { title: `Byte ${index} = 0x${inHex(frame.header[index])}`, text: `In bits ${inBits(frame.header[index])}: ${list}.`, section: '5.2' }
}

function meaningOf (index, frame) {
  if (frame.opcode === 'close') {
    return index < 2
      ? ` The ${index === 0 ? 'high' : 'low'} byte of the close code ${frame.close?.code ?? ''}.`
      : ' A byte of the reason, which is UTF-8.'
  }
  if (frame.isCompressed) return ' A byte of the compressed message: what it says is known once all are inflated.'
  if (!frame.isText) return ''
  const character = frame.characters[index]
  if (character === null || character === undefined) {
    return frame.problem?.closeCode === 1007 ? ' This is not UTF-8.' : ' A part of a character that another frame has the rest of, or no UTF-8.'
  }
  const { text, size } = character
  const name = `“${text}” (U+${text.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')})`
  return size === 1 ? ` In UTF-8: ${name}.` : ` Byte ${character.index + 1} of the ${size} that ${name} has in UTF-8.`
}

function reserved (value, meaning) {
  return value === '0'
    ? ['Reserved for extensions, and 0 where none was agreed on.', '5.2']
    : [`Set. ${meaning} Where none was agreed on, the connection must fail.`, '5.2']
}

function bytes (length) {
  return length === '1' ? '1 byte' : `${Number(length).toLocaleString('en')} bytes`
}
