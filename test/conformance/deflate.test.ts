import t from 'tap'
import { conforms, testTimeout } from './conforms.ts'

t.setTimeout(testTimeout)

t.test('conforms with permessage-deflate as it is by default', async t => {
  await conforms(t, { perMessageDeflate: true }, { deflate: true })
})
