import t from 'tap'
import { FST_ERR_WS_INVALID_MESSAGE } from '../../lib/errors.ts'
import { failedMessage, invalidMessage } from '../../lib/messages/error-message.ts'

t.test('an invalid message is answered with its code, its text and what the validator found', async t => {
  const error = new FST_ERR_WS_INVALID_MESSAGE('message/n must be number', [{ instancePath: '/n' }])
  t.same(invalidMessage(error, undefined), {
    type: 'error', code: 'FST_ERR_WS_INVALID_MESSAGE', message: 'message/n must be number', errors: [{ instancePath: '/n' }]
  })
})

t.test('an error message carries the id of the message that it answers', async t => {
  t.equal(invalidMessage(new FST_ERR_WS_INVALID_MESSAGE(''), 7).id, 7)
  t.equal(failedMessage(new Error(), 'a').id, 'a')
  t.notOk('id' in failedMessage(new Error(), undefined))
})

t.test('a handler\'s error tells nothing of the inside', async t => {
  for (const error of [new Error('secret'), Object.assign(new Error('secret'), { statusCode: 500, code: 'SECRET' }), 'secret', null, undefined, 42, { message: 'secret' }]) {
    t.same(failedMessage(error, undefined), { type: 'error', code: 'FST_ERR_WS_INTERNAL', message: 'Internal Server Error' })
  }
})

t.test('an error below 500 is meant for the client, and keeps code and text', async t => {
  const error = Object.assign(new Error('no such room'), { statusCode: 404, code: 'NO_ROOM', secret: true })
  t.same(failedMessage(error, undefined), { type: 'error', code: 'NO_ROOM', message: 'no such room' })
})

t.test('a status outside of 400 to 499 makes no error the client\'s', async t => {
  for (const statusCode of [200, 302, 399, 500, 503, '404', NaN]) {
    t.equal(failedMessage(Object.assign(new Error('secret'), { statusCode }), undefined).message, 'Internal Server Error', String(statusCode))
  }
})

t.test('an error below 500 without a code gets one', async t => {
  t.match(failedMessage(Object.assign(new Error('no'), { statusCode: 400 }), undefined), { code: /^FST_ERR_WS_/, message: 'no' })
})

t.test('a client\'s error without a code of its own still has one', async t => {
  const error = Object.assign(new Error('no such room'), { statusCode: 404 })
  t.same(failedMessage(error, undefined), { type: 'error', code: 'FST_ERR_WS_REFUSED', message: 'no such room' })
})
