/** How long somebody is shown as typing after the last key, and as active after the last move, in milliseconds. */
const [typingFor, activeFor] = [2_000, 20_000]

/** What whoever sits before this page does: `active`, `typing`, `idle`, or `away` while another tab is before it. */
export class OwnStatus {
  #onChange
  #current = 'active'
  #timer = null

  constructor (onChange) {
    this.#onChange = onChange
    for (const event of ['pointermove', 'pointerdown', 'keydown', 'scroll']) window.addEventListener(event, () => this.#move(), { passive: true })
    document.addEventListener('visibilitychange', () => this.#look())
    this.#look()
  }

  get current () {
    return this.#current
  }

  type () {
    this.#become('typing', typingFor, 'active')
  }

  #move () {
    if (this.#current !== 'typing') this.#become('active', activeFor, 'idle')
  }

  #look () {
    if (document.hidden) this.#become('away')
    else this.#become('active', activeFor, 'idle')
  }

  /** @param next what follows when nothing happens for so long */
  #become (status, time = 0, next) {
    clearTimeout(this.#timer)
    if (next !== undefined) this.#timer = setTimeout(() => this.#become(next, activeFor, next === 'active' ? 'idle' : undefined), time)
    if (status === this.#current) return
    this.#current = status
    this.#onChange(status)
  }
}
