import { jetstream } from '@nats-io/jetstream'
import { natsAdapter } from '../../../lib/rooms/nats/index.ts'
import { NatsServer } from '../../helpers/nats-server.ts'
import { requirement, suiteNeeding } from '../../helpers/requirements.ts'
import { adapterContract } from '../adapter-contract.ts'

if (requirement('nats-server') === null) suiteNeeding(['nats-server'], 'the NATS adapter and its contract', async () => {})
else {
  adapterContract('NATS', async t => {
    const server = await NatsServer.start(t)
    return async () => natsAdapter({ connection: await server.connect(t), secret: 'a secret of the cluster' })
  }, { hasHistory: false })

  adapterContract('JetStream', async t => {
    const server = await NatsServer.start(t, { jetstream: true })
    return async () => {
      const connection = await server.connect(t)
      return natsAdapter({ connection, jetstream: jetstream(connection), secret: 'a secret of the cluster' })
    }
  })
}
