import type { IpcProcess } from '../../../types/cluster.ts'

/** One end of an IPC channel. */
export interface Port {
  /** `onWritten` is called once the operating system has taken the message, or nobody ever will. */
  send (message: object, onWritten: () => void): void
  open (onMessage: (message: unknown) => void, onGone: () => void): void
  close (): void
}

/** The primary's end: of a worker, or of a forked process. One that was killed may be gone before its channel is. */
export function portTo (child: IpcProcess): Port {
  return portOver(child, ['disconnect', 'exit'])
}

/** The worker's end; null for a process that was not started with a channel, or has lost it. */
export function portToParent (): Port | null {
  if (process.send === undefined || !process.connected) return null
  return portOver({
    send: (message, callback) => process.send?.(message, undefined, undefined, callback) ?? false,
    on: (event, listener) => process.on(event, listener),
    off: (event, listener) => process.off(event, listener)
  }, ['disconnect'])
}

function portOver (end: IpcProcess, goneOn: ReadonlyArray<'disconnect' | 'exit'>): Port {
  let close = (): void => {}
  return {
    send: (message, onWritten) => { end.send(message, onWritten) },
    open (onMessage, onGone) {
      end.on('message', onMessage)
      for (const event of goneOn) end.on(event, onGone)
      close = () => {
        end.off('message', onMessage)
        for (const event of goneOn) end.off(event, onGone)
      }
    },
    close: () => close()
  }
}
