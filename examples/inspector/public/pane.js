import { inBits, inHex } from './bytes.js'
import { drawDump } from './dump.js'
import { element } from './element.js'
import { explainField, explainHeaderByte, explainPayload } from './explain.js'
import { drawFigure, drawLegend } from './figure.js'
import { drawHandshake, linkTo } from './handshake.js'

/** What is shown of the entry that was chosen: a handshake, or a frame with its figure. */
export class Pane {
  #root
  #frame = null
  #explanation = element('div', { class: 'explanation' })
  /** The bits that were clicked on: they stay lit. */
  #pinned = null

  constructor (root) {
    this.#root = root
    root.addEventListener('pointerover', event => this.#point(rangeOf(event.target) ?? this.#pinned))
    root.addEventListener('pointerleave', () => this.#point(this.#pinned))
    root.addEventListener('focusin', event => { if (rangeOf(event.target) !== null) this.#point(rangeOf(event.target)) })
    root.addEventListener('click', event => this.#pin(rangeOf(event.target)))
    root.addEventListener('keydown', event => this.#onKey(event))
  }

  showHandshake (handshake) {
    this.#frame = null
    this.#root.replaceChildren(element('header', { class: 'title' }, element('h2', {}, 'The handshake'), element('p', {},
      'An HTTP request asks to upgrade; after the reply, the same TCP connection carries frames both ways.')), drawHandshake(handshake))
  }

  showFrame (frame) {
    this.#frame = frame
    this.#pinned = null
    this.#draw(false)
  }

  #draw (showsAll) {
    const frame = this.#frame
    this.#root.replaceChildren(
      element('header', { class: 'title' }, element('h2', { id: 'frame-title' }, titleOf(frame)), element('p', {}, lineOf(frame)), drawLegend()),
      ...notesOf(frame),
      drawFigure(frame, showsAll, () => this.#draw(true)),
      this.#explanation,
      drawDump(frame)
    )
    this.#point(null)
  }

  #pin (range) {
    if (range === null || this.#frame === null) return
    this.#pinned = isSame(range, this.#pinned) ? null : range
    this.#point(this.#pinned)
  }

  /** Lights what stands for these bits, in the figure and in the dump, and says what they are. */
  #point (range) {
    const frame = this.#frame
    if (frame === null) return
    for (const cell of this.#root.querySelectorAll('[data-from]')) {
      const isLit = range !== null && Number(cell.dataset.from) < range.to && Number(cell.dataset.to) > range.from
      cell.classList.toggle('lit', isLit)
      cell.classList.toggle('pinned', isLit && isSame(range, this.#pinned))
    }
    const index = range === null ? -1 : range.from / 8 - frame.header.length
    for (const byte of this.#root.querySelectorAll('[data-key]')) {
      byte.classList.toggle('used', index >= 0 && Number(byte.dataset.key) === index % 4)
    }
    this.#explain(range === null ? null : this.#explanationOf(range, index))
  }

  #explanationOf (range, index) {
    const frame = this.#frame
    if (index >= 0) return explainPayload(index, frame)
    const field = frame.fields.find(({ at, bits }) => at === range.from && at + bits === range.to)
    return field === undefined ? explainHeaderByte(Math.floor(range.from / 8), frame) : explainField(field, frame)
  }

  #explain (explanation) {
    if (explanation === null) {
      this.#explanation.replaceChildren(element('p', { class: 'hint' }, 'Point at a field or at a byte, or tap it.'))
    } else {
      const { title, text, section, sum = [] } = explanation
      this.#explanation.replaceChildren(element('div', {}, element('strong', {}, title), element('p', {}, text, ' ', linkTo(section))), drawSum(sum))
    }
  }

  /** From cell to cell by the arrow keys. */
  #onKey (event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined || !event.target.classList.contains('cell')) return
    const cells = [...this.#root.querySelectorAll('.cell')]
    cells[cells.indexOf(event.target) + step]?.focus()
    event.preventDefault()
  }
}

/** The bits that an element stands for: of a field that fills several rows, all. */
function rangeOf (target) {
  const cell = target.closest?.('[data-from]')
  if (!cell) return null
  const { field } = cell.dataset
  const parts = field === undefined ? [cell] : [...cell.parentNode.querySelectorAll(`[data-field="${field}"]`)]
  return { from: Number(parts[0].dataset.from), to: Number(parts.at(-1).dataset.to) }
}

/** An exclusive or as it is done by hand, bit below bit. */
function drawSum (lines) {
  const sum = element('table', { class: 'sum' })
  sum.hidden = lines.length === 0
  for (const [sign, byte, text] of lines) {
    sum.append(element('tr', {}, element('td', {}, sign), element('td', {}, inBits(byte)), element('td', {}, inHex(byte)), element('td', {}, text)))
  }
  return sum
}

function isSame (one, other) {
  return one?.from === other?.from && one?.to === other?.to
}

function titleOf (frame) {
  const arrow = frame.way === 'in' ? '↑' : '↓'
  const part = frame.opcode === 'continuation' ? (frame.isFinal ? ', the last fragment' : ', a fragment') : frame.isFinal ? '' : ', the first fragment'
  return `${arrow} ${frame.opcode[0].toUpperCase()}${frame.opcode.slice(1)} frame${part}`
}

function lineOf (frame) {
  const from = frame.way === 'in' ? (frame.client === 'raw' ? 'From the client written by hand to the server' : 'From your browser to the server') : `From the server to ${frame.client === 'raw' ? 'the client written by hand' : 'your browser'}`
  return `${from}: ${frame.header.length} bytes of header, ${count(frame.length)} of payload.`
}

function notesOf (frame) {
  if (frame.problem !== null) {
    const { message, closeCode, code } = frame.problem
    return [element('p', { class: 'note broken' }, element('strong', {}, 'Breaks a rule: '), `${message}. The server closes with ${closeCode}, and reads nothing more. `, element('code', {}, code))]
  }
  if (frame.inflated !== null) {
    const { text, length } = frame.inflated
    const said = frame.opcode === 'binary' ? '' : `: “${text.slice(0, 80)}${length > 80 ? '…' : ''}”`
    return [element('p', { class: 'note' }, element('strong', {}, 'Compressed. '), `The ${count(frame.length)} bytes of payload are inflated to ${count(length)}${said}. `,
      element('a', { class: 'rfc', href: 'https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2', target: '_blank', rel: 'noreferrer' }, 'RFC 7692 § 7.2.2'))]
  }
  if (frame.close !== null) {
    const { code, name, reason } = frame.close
    return [element('p', { class: 'note' }, element('strong', {}, `Close code ${code}`), ` (${name})`, reason === '' ? '' : `, reason “${reason}”`, '. ', linkTo('5.5.1'))]
  }
  return []
}

function count (bytes) {
  return Number(bytes).toLocaleString('en')
}
