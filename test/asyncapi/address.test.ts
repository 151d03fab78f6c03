import t from 'tap'
import { toAddress } from '../../lib/asyncapi/address.ts'

const read = (url: string): [string, string[]] => {
  const { address, parameters } = toAddress(url)
  return [address, parameters.map(({ name }) => name)]
}

t.test('parameters of Fastify are those of AsyncAPI', async t => {
  t.same(read('/chat'), ['/chat', []])
  t.same(read('/rooms/:room'), ['/rooms/{room}', ['room']])
  t.same(read('/rooms/:room/users/:user'), ['/rooms/{room}/users/{user}', ['room', 'user']])
  t.same(read('/near/:lat-:lng'), ['/near/{lat}-{lng}', ['lat', 'lng']])
  t.same(read('/files/:name.:ext'), ['/files/{name}.{ext}', ['name', 'ext']])
  t.same(read('/files/*'), ['/files/{wildcard}', ['wildcard']])
  t.same(read('/name::verb'), ['/name:verb', []])
})

t.test('a pattern is none of the address', async t => {
  t.same(read('/at/:hour(^\\d{2})h:minute(^\\d{2})m'), ['/at/{hour}h{minute}m', ['hour', 'minute']])
  t.match(toAddress('/x/:id(^(a|b)\\)$)/y'), { address: '/x/{id}/y', parameters: [{ pattern: '^(a|b)\\)$' }] })
})

t.test('a parameter may be left out', async t => {
  t.match(toAddress('/x/:id?'), { address: '/x/{id}', parameters: [{ name: 'id', key: 'id', isOptional: true }] })
})

t.test('names that AsyncAPI does not take are made to fit, each once', async t => {
  t.same(read('/:a$b/:a_b'), ['/{a_b}/{a_b2}', ['a_b', 'a_b2']])
})
