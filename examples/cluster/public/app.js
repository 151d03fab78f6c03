import { connect } from '/client/index.js'
import { at, appendMessage, appendNotice, renderCounting, renderMembers, renderPlace, renderState } from './view.js'

/** How often a tab that counts says the next number, in milliseconds. */
const countEvery = 400

/** How long a lost connection is left alone: long enough for something to be missed. */
const absence = 2_000
/** Longer than Redis may be away. */
const requestTimeout = 15_000

const people = ['Ada', 'Alan', 'Annie', 'Barbara', 'Donald', 'Edsger', 'Frances', 'Grace', 'Hedy', 'Joan', 'Ken', 'Leslie', 'Margaret', 'Niklaus', 'Radia', 'Tony']
const name = new URLSearchParams(location.search).get('name') ?? people[Math.floor(Math.random() * people.length)]

/** Whether it was ever joined. */
let isFirst = true
let members = new Map()
let me = null
/** The ids that it had before: others still see them, until the process that was killed is missed. */
const before = new Set()
/** Whether this tab's process reaches Redis, as far as it has said. */
let reachesRedis = true
/** How many of the next messages are what was missed. */
let toReplay = 0
let count = 0
let timer = null

const socket = connect(`/board?name=${encodeURIComponent(name)}`, {
  requestTimeout,
  authenticate: async () => {
    if (!isFirst) await new Promise(resolve => setTimeout(resolve, absence))
    return {}
  }
})
socket.onState(onState)
socket.on('said', onSaid)
socket.on('presence', onPresence)
socket.on('status', onStatus)
socket.on('gap', onGap)
socket.on('error', ({ message }) => trouble(message))

/* What the server tells. */

function onState ({ state, lost }) {
  // The next attempt is part of the absence.
  renderState(lost === null || state === 'open' ? state : 'lost')
  if (state !== 'waiting' || me === null) return
  appendNotice('Connection lost', 'bad')
  // Who is there is not known either.
  before.add(me)
  me = null
}

/** Over each connection; what was missed comes right behind. */
function onJoined ({ me: id, process, recovered, replayed, eventId, members: all }) {
  trouble('')
  me = id
  toReplay = replayed
  members = new Map(all.map(member => [member.id, member]))
  renderPlace({ process, eventId, resume: isFirst ? null : { recovered, replayed } })
  renderMembers(members, me, members.size)
  if (isFirst) appendNotice(`Connected to ${process}`)
  else appendNotice(`Connected to ${process} · recovered: ${recovered} · replayed: ${replayed}`, recovered ? 'good' : 'bad')
  isFirst = false
}

function onSaid (said) {
  const item = appendMessage(said, said.from.name === name)
  if (toReplay > 0) {
    toReplay--
    item.markReplayed()
  }
  renderPlace({ eventId: said.eventId })
}

function onStatus ({ state }) {
  const reached = state === 'ready'
  renderPlace({ reachesRedis: reached })
  if (reached !== reachesRedis) appendNotice(reached ? 'Redis is back: what has waited is taken' : 'Redis is away: what is said waits for it', reached ? 'good' : 'bad')
  reachesRedis = reached
  trouble('')
}

/** Messages were lost, and their history with them: what comes begins anew. */
function onGap () {
  appendNotice('The history was lost: messages may be missing here', 'bad')
}

/** Of those who have left a notice may say no more than the id. Of very many it lists only some, and says how many there are. */
function onPresence ({ count, joined, left }) {
  for (const { id } of left) {
    const member = members.get(id)
    if (!members.delete(id)) continue
    if (before.delete(id)) appendNotice(`Your connection to ${member.data.process} is missed by now, and taken off the list`)
    else appendNotice(`${member.data.name} has left ${member.data.process}`)
  }
  for (const member of joined) {
    if (!members.has(member.id) && member.id !== me) appendNotice(`${member.data.name} has come to ${member.data.process}`)
    members.set(member.id, member)
  }
  renderMembers(members, me, count)
}

/* What the user does. */

async function say (text) {
  if (!reachesRedis) trouble('Waiting for Redis…')
  try {
    await socket.request({ type: 'say', text })
    trouble('')
    return true
  } catch (error) {
    trouble(`Not sent: ${error.message}`)
    return false
  }
}

function trouble (text) {
  at.trouble.textContent = text
}

/** A number that was not taken is said again. */
async function countOn () {
  if (me !== null && await say(String(count + 1))) count++
  if (timer !== null) timer = setTimeout(countOn, countEvery)
}

at.composer.onsubmit = async event => {
  event.preventDefault()
  const text = at.message.value.trim()
  // What can't be sent now stays in the field.
  if (text === '' || me === null) return
  at.message.value = ''
  if (!await say(text) && at.message.value === '') at.message.value = text
}
at['count-aloud'].onclick = () => {
  if (timer === null) {
    timer = setTimeout(countOn, 0)
  } else {
    clearTimeout(timer)
    timer = null
  }
  renderCounting(timer !== null)
}
at.kill.onclick = () => socket.send({ type: 'kill' })
at['restart-redis'].onclick = () => socket.send({ type: 'restart-redis' })

at.me.textContent = name
socket.join('board', onJoined).catch(({ message }) => trouble(`Not joined: ${message}`))
