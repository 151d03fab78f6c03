import { connect } from '/client/index.js'
import { decode, encode } from '/msgpack/index.mjs'
import { element } from './element.js'
import { FileUpload } from './file-upload.js'
import { bytes, duration, hex } from './format.js'
import { Speed } from './speed.js'

const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))
const kilobyte = 1024
const largestFile = 100 * kilobyte * kilobyte
/** Bytes a second, from left to right; 0 for as fast as it is. */
const speeds = [64, 256, 512, 1024, 4096, 16_384, 0].map(each => each * kilobyte)
/** How often what is shown is shown anew, in milliseconds. */
const showEvery = 100

const client = connect('/upload', {
  protocols: ['msgpack'],
  codec: { encode: message => encode(message), decode: payload => decode(payload) },
  reconnect: { base: 300, cap: 5000 },
  // A slow disk is not a lost connection.
  requestTimeout: 60_000
})
let current = null
let wasOpen = false

client.onState(({ state, retryIn }) => {
  if (state === 'open') tellSpeed()
  // Not each attempt that fails.
  if (wasOpen && state !== 'open' && current !== null) current.lost++
  wasOpen = state === 'open'
  at.connection.dataset.state = state
  at.connection.textContent = {
    connecting: 'Connecting…',
    open: `Connected, speaking ${client.protocol}`,
    waiting: retryIn === null ? 'Offline' : 'The connection is lost; the upload goes on when it is back',
    closed: 'Closed by the server'
  }[state]
})

async function start (file) {
  if (current !== null) return
  showOutcome('')
  if (file.size > largestFile) return showOutcome(`${file.name} has more than 100 MiB.`, 'wrong')

  const upload = new FileUpload(client, file, () => current?.speed.add(upload.figures.stored))
  current = { upload, speed: new Speed(), lost: 0 }
  const startedAt = performance.now()
  at.name.textContent = file.name
  setBusy(true)
  show()
  try {
    const sha256 = await upload.run()
    const took = performance.now() - startedAt
    show()
    await showComplete(file, sha256, took)
  } catch (error) {
    if (error.name === 'AbortError') showOutcome(`${file.name} was cancelled.`)
    else showOutcome(error.message, 'wrong')
  } finally {
    current = null
    setBusy(false)
  }
}

async function showComplete (file, sha256, took) {
  const verdict = await compare(file, sha256)
  at.files.prepend(element('li', {},
    element('strong', {}, file.name),
    element('p', {}, `${bytes(file.size)} in ${duration(took)}. ${verdict}`),
    element('code', {}, sha256)))
  at.done.hidden = false
}

/** Whether the server has what this page has. */
async function compare (file, sha256) {
  if (crypto.subtle === undefined) return 'Browsers hash nothing on pages that are neither local nor HTTPS: not compared.'
  const own = hex(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()))
  return own === sha256 ? 'Its SHA-256 is the same here and there:' : `Not what was sent! Here it is ${own}, there`
}

function setBusy (isBusy) {
  at.upload.hidden = !isBusy
  at.file.disabled = isBusy
  at.file.value = ''
  at.drop.toggleAttribute('data-busy', isBusy)
}

function showOutcome (text, kind = '') {
  at.outcome.dataset.kind = kind
  at.outcome.textContent = text
  at.outcome.hidden = text === ''
}

function show () {
  if (current === null) return
  const { upload, speed, lost } = current
  const { size, stored, sent, chunks, window, delay } = upload.figures
  const share = size === 0 ? 1 : stored / size
  at.stored.style.width = `${share * 100}%`
  at['under-way'].style.width = `${size === 0 ? 0 : (sent - stored) / size * 100}%`
  at.bar.setAttribute('aria-valuenow', String(Math.floor(share * 100)))
  at.share.textContent = `${upload.isPaused ? 'Paused at ' : ''}${Math.floor(share * 100)} %`
  at.amount.textContent = `${bytes(stored)} of ${bytes(size)} on the disk`
  at.speed.textContent = `${bytes(speed.perSecond)}/s`
  at.chunks.textContent = `${chunks} of ${window}`
  at.delay.textContent = delay === null ? '–' : duration(delay)
  at.lost.textContent = String(lost)
  at.pause.textContent = upload.isPaused ? 'Resume' : 'Pause'
}

function tellSpeed () {
  const bytesPerSecond = speeds[at.disk.value]
  at['disk-speed'].textContent = bytesPerSecond === 0 ? 'as fast as it can' : `${bytes(bytesPerSecond)} a second`
  if (client.state === 'open') client.send({ type: 'disk', bytesPerSecond })
}

at.file.onchange = () => {
  const [file] = at.file.files
  if (file !== undefined) start(file)
}
at.drop.ondragover = event => {
  event.preventDefault()
  at.drop.dataset.over = ''
}
at.drop.ondragleave = () => { delete at.drop.dataset.over }
at.drop.ondrop = event => {
  event.preventDefault()
  delete at.drop.dataset.over
  const [file] = event.dataTransfer.files
  if (file !== undefined) start(file)
}
at.disk.oninput = tellSpeed
at.pause.onclick = () => {
  if (current.upload.isPaused) current.upload.resume()
  else current.upload.pause()
  show()
}
at.cancel.onclick = () => current.upload.cancel()
// Not one that waits: it would end the next connection.
at.break.onclick = () => { if (client.state === 'open') client.send({ type: 'drop' }) }

tellSpeed()
setInterval(show, showEvery)
