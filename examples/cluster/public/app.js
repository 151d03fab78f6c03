import { JsonSocket } from './socket.js'
import { at, appendMessage, appendNotice, renderCounting, renderMembers, renderPlace, renderState } from './view.js'

/** How often a tab that counts says the next number, and how long a join that failed waits for its next attempt, in milliseconds. */
const countEvery = 400
const joinAgain = 1_000

/** Long enough for something to be missed. */
const firstDelay = 2_000

const people = ['Ada', 'Alan', 'Annie', 'Barbara', 'Donald', 'Edsger', 'Frances', 'Grace', 'Hedy', 'Joan', 'Ken', 'Leslie', 'Margaret', 'Niklaus', 'Radia', 'Tony']
const name = new URLSearchParams(location.search).get('name') ?? people[Math.floor(Math.random() * people.length)]

/** Where this tab is in the history: what the next join asks for begins behind it. */
let lastEvent = null
let members = new Map()
let me = null
/** The ids that it had before: others still see them, until the process that was killed is missed. */
const before = new Set()
/** Whether this tab's process reaches Redis, as far as it has said. */
let reachesRedis = true
/** Messages that have come since a join was asked for: they are what was missed, and perhaps what was said just then. */
let arrived = null
let count = 0
let timer = null

const socket = new JsonSocket(() => {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
  return `${scheme}//${location.host}/board?name=${encodeURIComponent(name)}`
}, { onState, onMessage }, firstDelay)

/* What the server tells. */

function onState (state) {
  renderState(state)
  if (state === 'open') join()
  // Who is there is not known either.
  if (state === 'lost' && me !== null) appendNotice('Connection lost', 'bad')
  if (state !== 'lost') return
  if (me !== null) before.add(me)
  me = null
  arrived = null
}

async function join () {
  const isFirst = lastEvent === null
  arrived = []
  let joined
  try {
    joined = await socket.request({ type: 'join', since: lastEvent })
  } catch (error) {
    if (!socket.isOpen) return
    trouble(`Not joined: ${error.message}`)
    setTimeout(() => { if (socket.isOpen && me === null) join() }, joinAgain)
    return
  }
  const { recovered, replayed, process } = joined
  for (const item of arrived.slice(0, replayed)) item.markReplayed()
  arrived = null
  trouble('')
  me = joined.me
  lastEvent = joined.eventId
  members = new Map(joined.members.map(member => [member.id, member]))
  renderPlace({ process, eventId: lastEvent, resume: isFirst ? null : { recovered, replayed } })
  renderMembers(members, me, members.size)
  if (isFirst) appendNotice(`Connected to ${process}`)
  else appendNotice(`Connected to ${process} · recovered: ${recovered} · replayed: ${replayed}`, recovered ? 'good' : 'bad')
}

function onMessage (message) {
  if (message.type === 'said') onSaid(message)
  else if (message.type === 'presence') onPresence(message)
  else if (message.type === 'status') onStatus(message)
  else if (message.type === 'gap') onGap(message)
  else if (message.type === 'error') trouble(message.message)
}

function onSaid (said) {
  lastEvent = said.eventId
  const item = appendMessage(said, said.from.name === name)
  arrived?.push(item)
  renderPlace({ eventId: lastEvent })
}

function onStatus ({ state }) {
  const reached = state === 'ready'
  renderPlace({ reachesRedis: reached })
  if (reached !== reachesRedis) appendNotice(reached ? 'Redis is back: what has waited is taken' : 'Redis is away: what is said waits for it', reached ? 'good' : 'bad')
  reachesRedis = reached
  trouble('')
}

/** Messages were lost, and their history with them: what comes begins anew. */
function onGap ({ eventId }) {
  lastEvent = eventId
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
socket.connect()
