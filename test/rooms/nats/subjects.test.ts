import t from 'tap'
import { eventSubject, historySubject, isEventSubject, liveSubject, nameOfStream, streamPattern, tokenOf } from '../../../lib/rooms/nats/subjects.ts'

t.test('every channel is one token of its own, short, and safe in a subject', async t => {
  const channels = [
    '', ' ', '.', '*', '>', 'a.b', 'a.*', 'a.>', 'A', 'a', '\0', 'a\r\nb', '$SYS', '=größe 🎉', '@', '@node', '=', '__proto__',
    // No Unicode: the same bytes in UTF-8.
    '\ud800', '\udfff', '\ufffd', 'a\ud800', 'a\ud801',
    'x'.repeat(120), 'x'.repeat(121), 'x'.repeat(300), '🎉'.repeat(150), '\ud800'.repeat(300)
  ]
  const tokens = channels.map(tokenOf)
  t.equal(new Set(tokens).size, channels.length)
  for (const token of tokens) t.match(token, /^[\w-]{1,161}$/)
})

t.test('a short name can be read back', async t => {
  t.equal(Buffer.from(tokenOf('=größe 🎉').slice(1), 'base64url').toString(), '=größe 🎉')
})

t.test('a name that is the hash of another one is not that one', async t => {
  const hashed = tokenOf('x'.repeat(300))
  t.not(tokenOf(hashed), hashed)
  t.not(tokenOf(Buffer.from(hashed, 'base64url').toString('latin1')), hashed)
})

t.test('live messages, events and histories have subjects that never meet', async t => {
  t.match(liveSubject('ns', 'room'), /^ns\.live\.[\w-]+\.message$/)
  t.match(eventSubject('ns', 'room'), /^ns\.live\.[\w-]+\.event$/)
  t.ok(isEventSubject(eventSubject('ns', 'x.message')))
  t.notOk(isEventSubject(liveSubject('ns', 'x.event')))
  t.match(historySubject('ns', '10-1000', tokenOf('room')), /^ns\.history\.10-1000\.[\w-]+$/)
})

t.test('streams of other namespaces are not taken for ours', async t => {
  const name = nameOfStream('ns', '10-1000', '0123456789abcdef')
  t.ok(streamPattern('ns').test(name))
  for (const other of [`x${name}`, `${name}0`, nameOfStream('ns_1', '10-1000', '0123456789abcdef'), nameOfStream('ns', '10', '0123456789abcdef'), nameOfStream('ns', '10-1000', 'x'), '']) {
    t.notOk(streamPattern('ns').test(other), other)
  }
})
