import { hex } from '../../helpers/bytes.ts'

/** Titles and bytes. */
export type Samples = ReadonlyArray<readonly [title: string, bytes: Buffer]>

const ofPoint = (point: number): Buffer => Buffer.from(String.fromCodePoint(point))
const named = (point: number): string => `U+${point.toString(16).toUpperCase().padStart(4, '0')}`

/** Each side of every border at which the length of a sequence or the range of a second byte changes. */
const borders = [
  0x00, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xcfff, 0xd000, 0xd7ff, 0xe000, 0xfffd,
  0x1_0000, 0x3_ffff, 0x4_0000, 0xf_ffff, 0x10_0000, 0x10_ffff
]

/** Valid in UTF-8, whatever they may mean (RFC 3629 has no exception for them). */
const nonCharacters = [
  0xfdd0, 0xfdef, 0xfffe, 0xffff, ...Array.from({ length: 16 }, (_, plane) => [(plane + 1) * 0x1_0000 + 0xfffe, (plane + 1) * 0x1_0000 + 0xffff]).flat()
]

export const points: Samples = borders.map(point => [named(point), ofPoint(point)])

export const nonCharacterPoints: Samples = nonCharacters.map(point => [`${named(point)}, not a character`, ofPoint(point)])

export const texts: Samples = [
  ['Greek with accents', Buffer.from('Κάλλιον ἀργεῖν ἢ μηδὲν πράττειν')],
  ['German', Buffer.from('Fließende Größen über Äcker')],
  ['Japanese', Buffer.from('色は匂へど散りぬるを')],
  ['Hebrew and Arabic', Buffer.from('שלום עולם, مرحبا بالعالم')],
  ['combining marks', Buffer.from('Z\u0351\u036b\u0343a\u0323\u0308')],
  ['emoji joined to one', Buffer.from('👩‍👩‍👧‍👦 🏳️‍🌈')],
  ['Gothic, four bytes each', Buffer.from('𐌼𐌰𐌲 𐌲𐌻𐌴𐍃')],
  ['a byte order mark first', Buffer.from('\ufeffmarked')],
  ['nothing but a byte order mark', Buffer.from('\ufeff')],
  ['the replacement character', Buffer.from('a\ufffdb')],
  ['control characters', Buffer.from('\u0000\u0001\u001b\u007f\u0085\u2028\u2029')]
]

/** No valid text has them, and the bytes that tell so are all there. */
export const invalid: Samples = [
  ...[0x80, 0xbf].map(byte => [`a continuation byte alone, ${byte.toString(16)}`, Buffer.of(byte)] as const),
  ...[2, 3, 4, 5, 6, 7].map(count => [`${count} continuation bytes`, Buffer.from(Array.from({ length: count }, (_, i) => i % 2 === 0 ? 0x80 : 0xbf))] as const),
  ['every continuation byte', Buffer.from(Array.from({ length: 64 }, (_, i) => 0x80 + i))],
  ...[0xc0, 0xc1].map(byte => [`the lead byte ${byte.toString(16)}, which only overlong forms have`, Buffer.of(byte, 0x80)] as const),
  ...[0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff].map(byte => [
    `the byte ${byte.toString(16)}, which no sequence has`, Buffer.of(byte, 0x80, 0x80, 0x80)
  ] as const),
  ['every two-byte lead before a space', Buffer.from(Array.from({ length: 30 }, (_, i) => [0xc2 + i, 0x20]).flat())],
  ['every three-byte lead before a space', Buffer.from(Array.from({ length: 16 }, (_, i) => [0xe0 + i, 0x20]).flat())],
  ['every four-byte lead before a space', Buffer.from(Array.from({ length: 5 }, (_, i) => [0xf0 + i, 0x20]).flat())],
  ['two bytes without the last', hex('df 41')],
  ['three bytes without the last', hex('e2 82 41')],
  ['three bytes without the last two', hex('e2 41')],
  ['four bytes without the last', hex('f0 9f 90 41')],
  ['four bytes without the last two', hex('f0 9f 41')],
  ['a lead byte after a lead byte', hex('c3 c3 a9')],
  ['a three-byte lead within a four-byte sequence', hex('f0 9f e2 82 ac')],
  ['incomplete sequences one after the other', hex('c2 e0 a0 f0 90 80 ed 9f f4 8f bf 41')],
  ['a slash in two bytes', hex('c0 af')],
  ['a slash in three bytes', hex('e0 80 af')],
  ['a slash in four bytes', hex('f0 80 80 af')],
  ['a slash in five bytes', hex('f8 80 80 80 af')],
  ['a slash in six bytes', hex('fc 80 80 80 80 af')],
  ['NUL in two bytes', hex('c0 80')],
  ['NUL in three bytes', hex('e0 80 80')],
  ['NUL in four bytes', hex('f0 80 80 80')],
  ['U+007F in two bytes', hex('c1 bf')],
  ['U+07FF in three bytes', hex('e0 9f bf')],
  ['U+FFFF in four bytes', hex('f0 8f bf bf')],
  ['U+1FFFFF in five bytes', hex('f8 87 bf bf bf')],
  ['U+3FFFFFF in six bytes', hex('fc 83 bf bf bf bf')],
  ...['d800', 'db7f', 'db80', 'dbff', 'dc00', 'df80', 'dfff'].map(unit => {
    const point = Number.parseInt(unit, 16)
    return [`the surrogate U+${unit.toUpperCase()}`, Buffer.of(0xe0 | point >> 12, 0x80 | point >> 6 & 0x3f, 0x80 | point & 0x3f)] as const
  }),
  ['a pair of surrogates, three bytes each', hex('ed a0 80 ed b0 80')],
  ['the last pair of surrogates, three bytes each', hex('ed af bf ed bf bf')],
  ['U+110000', hex('f4 90 80 80')],
  ['U+13FFFF', hex('f4 bf bf bf')],
  ['U+140000', hex('f5 80 80 80')],
  ['U+1FFFFF', hex('f7 bf bf bf')],
  ['Latin-1', Buffer.from('Äpfel', 'latin1')],
  ['UTF-16 with a byte order mark', hex('ff fe 41 00')],
  ['text with one bad byte in the middle', Buffer.concat([Buffer.from('Κόσμε'), hex('eda080'), Buffer.from('edited')])]
]

/** The beginning of a valid sequence: wrong only once the message ends. */
export const incomplete: Samples = [
  ['one byte of two', hex('c3')],
  ['one byte of three', hex('e2')],
  ['two bytes of three', hex('e2 82')],
  ['one byte of four', hex('f0')],
  ['two bytes of four', hex('f0 9f')],
  ['three bytes of four', hex('f0 9f 90')],
  ['two bytes of the last before the surrogates', hex('ed 9f')],
  ['three bytes of the last of all', hex('f4 8f bf')],
  ['text, then one byte of two', Buffer.concat([Buffer.from('Hello'), hex('c3')])]
]

/** Beginnings that nothing can make valid: titles, and the bytes up to the one that shows it. */
export const hopeless: Samples = [
  ['a continuation byte', hex('80')],
  ['c0', hex('c0')],
  ['c1', hex('c1')],
  ['f5', hex('f5')],
  ['ff', hex('ff')],
  ['two bytes, the second not a continuation', hex('c3 28')],
  ['three bytes, overlong by the second', hex('e0 9f')],
  ['three bytes, a surrogate by the second', hex('ed a0')],
  ['three bytes, the third not a continuation', hex('e2 82 28')],
  ['four bytes, overlong by the second', hex('f0 8f')],
  ['four bytes, too large by the second', hex('f4 90')],
  ['four bytes, the third not a continuation', hex('f0 9f 28')],
  ['four bytes, the last not a continuation', hex('f0 9f 90 28')]
]
