import t from 'tap'
import { defineContract } from '../../lib/client/index.ts'
import { defineContract as ofServers } from '../../lib/index.ts'

t.test('a contract is what it was', async t => {
  const contract = { receive: { type: 'object' }, send: { type: 'string' } }
  t.equal(defineContract(contract), contract)
})

t.test('servers and clients have the same', async t => {
  t.equal(defineContract, ofServers)
})
