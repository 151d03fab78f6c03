/** What of a browser's window, or of a worker, is listened to; Node has none of it. */
export interface Surroundings {
  readonly WebSocket?: unknown
  readonly location?: { readonly href: string }
  readonly navigator?: { readonly onLine?: boolean }
  readonly document?: Target & { readonly visibilityState: string }
  readonly addEventListener?: Target['addEventListener']
  readonly removeEventListener?: Target['removeEventListener']
}

interface Target {
  addEventListener (type: string, listener: () => void): void
  removeEventListener (type: string, listener: () => void): void
}

export const surroundings = globalThis as Surroundings

/** Whether there is certainly no network; where there may be one, only an attempt tells. */
export function isOffline (): boolean {
  return surroundings.navigator?.onLine === false
}

/** Calls what is given when the network is back, or the page: timers may have slept until then. Answers what ends that. */
export function onWake (wake: () => void): () => void {
  const { document } = surroundings
  const onVisible = (): void => { if (document?.visibilityState === 'visible') wake() }
  const events = ['online', 'pageshow']
  for (const event of events) surroundings.addEventListener?.(event, wake)
  document?.addEventListener('visibilitychange', onVisible)
  return () => {
    for (const event of events) surroundings.removeEventListener?.(event, wake)
    document?.removeEventListener('visibilitychange', onVisible)
  }
}
