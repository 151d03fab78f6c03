import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { bound, ended, suspend } from './processes.ts'
import { suiteNeeding } from './requirements.ts'

suiteNeeding(['util-linux'], 'what a test has started ends with its process, whatever ends that', async t => {
  const program = 'console.log(process.pid); setInterval(() => {}, 1_000)'
  const [command, ...args] = bound(process.execPath)
  const test = `child_process.spawn(${JSON.stringify(command)}, ${JSON.stringify([...args, '-e', program])}, { stdio: 'inherit' })`
  for (const isStopped of [false, true]) {
    const parent = spawn(process.execPath, ['-e', test], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => parent.kill('SIGKILL'))
    const [said] = await once(parent.stdout, 'data') as [Buffer]
    const pid = Number(said)
    if (isStopped) await suspend(pid)
    parent.kill('SIGKILL')
    await ended(pid)
    t.pass(isStopped ? 'what was stopped, too' : 'it has ended')
  }
})
