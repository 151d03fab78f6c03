import { randomBytes } from 'node:crypto'
import t from 'tap'
import { deflateRawSync } from 'node:zlib'
import { newDeflateStream, newInflateStream } from '../../lib/connection/zlib-stream.ts'
import { deflated } from '../helpers/deflate.ts'

const words = (length: number): Buffer => Buffer.from('all the words that there are, and others. '.repeat(length / 40 + 1).slice(0, length))

for (const isKept of [true, false]) {
  t.test(isKept ? 'a stream that is kept' : 'a stream for each message', t => {
    const output = Buffer.alloc(70_000)

    t.test('deflates as zlib does, one message after the other', t => {
      const options = { windowBits: 12, memLevel: 5, level: 5 }
      const stream = newDeflateStream(options, isKept)
      for (const message of [words(4096), words(100), randomBytes(5000), Buffer.alloc(0), words(4096), words(60_000)]) {
        const length = stream.run(message, output)
        t.same(output.subarray(0, length - 4), deflated(message, options))
        t.same(output.subarray(length - 4, length), Buffer.from([0, 0, 0xff, 0xff]))
      }
      t.end()
    })

    t.test('inflates one message after the other', t => {
      const stream = newInflateStream(isKept)
      for (const message of [words(4096), randomBytes(5000), Buffer.alloc(0), words(60_000)]) {
        t.same(output.subarray(0, stream.run(deflateRawSync(message), output)), message)
        t.equal(stream.left, 0)
      }
      t.end()
    })

    t.test('says what is left behind a final block', t => {
      const stream = newInflateStream(isKept)
      t.equal(stream.run(Buffer.concat([deflateRawSync('first'), Buffer.from('rest')]), output), 5)
      t.equal(stream.left, 4)
      t.end()
    })

    t.test('fills an output that is too small, and goes no further', t => {
      output.fill(0)
      const small = output.subarray(0, 1000)
      t.equal(newInflateStream(isKept).run(deflateRawSync(words(60_000)), small), 1000)
      t.equal(newDeflateStream({}, isKept).run(randomBytes(2000), small), 1000)
      t.ok(output.subarray(1000).every(byte => byte === 0))
      t.end()
    })

    t.test('throws what is corrupt or cut short, and goes on after that', t => {
      const stream = newInflateStream(isKept)
      const input = deflateRawSync(words(4096))
      for (let i = 0; i < 3; i++) {
        t.throws(() => stream.run(Buffer.from([0x06]), output))
        t.throws(() => stream.run(input.subarray(0, -1), output))
        t.equal(stream.run(input, output), 4096)
      }
      t.end()
    })

    t.test('a message can refer to nothing of the one before', t => {
      const stream = newInflateStream(isKept)
      const [secret, second] = [randomBytes(500), randomBytes(10)]
      const referring = deflateRawSync(Buffer.concat([second, secret]), { dictionary: secret })
      stream.run(deflateRawSync(secret), output)
      t.throws(() => stream.run(referring, output))

      const deflating = newDeflateStream({}, isKept)
      const length = deflating.run(secret, output)
      t.equal(deflating.run(secret, output), length, 'so none is shorter for the one before')
      t.end()
    })

    t.end()
  })
}

t.test('the streams of this Node can be kept', t => {
  t.equal(newDeflateStream({}).constructor, newDeflateStream({}, true).constructor)
  t.equal(newInflateStream().constructor, newInflateStream(true).constructor)
  t.end()
})
