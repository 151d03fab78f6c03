/** What of a browser's window, or of a worker, is listened to; Node has none of it. */
export interface Surroundings {
  readonly WebSocket?: unknown
  readonly location?: { readonly href: string }
  readonly navigator?: { readonly onLine?: boolean }
  readonly document?: Target & { readonly visibilityState: string }
  readonly addEventListener?: Target['addEventListener']
}

interface Target {
  addEventListener (type: string, listener: () => void, options: { readonly signal: AbortSignal }): void
}

export const surroundings = globalThis as Surroundings

/** Whether there is certainly no network; where there may be one, only an attempt tells. */
export function isOffline (): boolean {
  return surroundings.navigator?.onLine === false
}

/** Calls what is given when the network is back, or the page: timers may have slept until then. Answers what ends that. */
export function onWake (wake: () => void): () => void {
  const { document } = surroundings
  const ending = new AbortController()
  for (const event of ['online', 'pageshow']) surroundings.addEventListener?.(event, wake, ending)
  document?.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') wake() }, ending)
  return () => ending.abort()
}
