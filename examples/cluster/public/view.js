import { element } from './element.js'

/** The elements of the page, by id. */
export const at = Object.fromEntries([...document.querySelectorAll('[id]')].map(found => [found.id, found]))

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const stateTexts = { connecting: 'Connecting…', open: 'Connected', lost: 'Lost, coming back…' }
/** Older ones go, so that a tab which is left open does not grow. */
const mostItems = 400

/** @param state `'connecting'`, `'open'` or `'lost'` */
export function renderState (state) {
  at.app.dataset.state = state
  at.status.textContent = stateTexts[state]
  at['here-title'].textContent = state === 'lost' ? 'This tab was connected to' : 'This tab is connected to'
  for (const button of [at.kill, at['restart-redis']]) button.disabled = state !== 'open'
}

/** What is not given stays as it is. */
export function renderPlace ({ process, eventId, resume, reachesRedis }) {
  if (process !== undefined) {
    at.app.dataset.process = process
    at.process.textContent = process
    document.title = `${process} · Cluster`
  }
  if (eventId !== undefined) at['event-id'].textContent = eventId ?? 'none'
  if (resume !== undefined && resume !== null) {
    at.resume.textContent = `recovered: ${resume.recovered} · replayed: ${resume.replayed}`
    at.resume.dataset.tone = resume.recovered ? 'good' : 'bad'
  }
  if (reachesRedis !== undefined) {
    at.redis.textContent = reachesRedis ? 'reached' : 'away'
    at.redis.dataset.tone = reachesRedis ? 'good' : 'bad'
  }
}

/**
 * @param me the id of this tab's connection
 * @param count how many there are, listed or not
 */
export function renderMembers (members, me, count) {
  at.count.textContent = String(count)
  const sorted = [...members.values()].sort((one, other) => one.data.name.localeCompare(other.data.name) || one.id.localeCompare(other.id))
  at.members.replaceChildren(...sorted.map(({ id, data }) => {
    const item = element('li', { 'data-process': data.process }, element('span', { class: 'name' }, data.name))
    if (id === me) item.append(element('span', { class: 'you' }, 'you'))
    item.append(chip(data.process))
    return item
  }))
}

/** Returns what can be done with it later. */
export function appendMessage ({ from, text, time, eventId }, isOwn) {
  const speaker = `${from.name} ${from.process}`
  const isFirst = at.messages.lastElementChild?.dataset.speaker !== speaker
  const head = element('p', { class: isFirst ? 'head' : 'visually-hidden' },
    element('b', {}, isOwn ? 'You' : from.name), chip(from.process), element('time', { datetime: time }, timeFormat.format(new Date(time))))
  const row = element('div', { class: 'row' }, element('p', { class: 'bubble' }, text), element('code', { title: 'eventId' }, eventId))
  const item = element('li', { class: `message${isOwn ? ' own' : ''}${isFirst ? ' first' : ''}`, 'data-process': from.process, 'data-speaker': speaker }, head, row)
  at.empty.hidden = true
  append(item)
  return {
    markReplayed () {
      item.classList.add('replayed')
      row.append(element('span', { class: 'tag' }, 'replayed'))
    }
  }
}

/** @param tone `'good'` or `'bad'`, or nothing */
export function appendNotice (text, tone) {
  append(element('li', tone === undefined ? { class: 'notice' } : { class: 'notice', 'data-tone': tone }, element('span', {}, text)))
}

export function renderCounting (isCounting) {
  at['count-aloud'].setAttribute('aria-pressed', String(isCounting))
}

function append (item) {
  const isAtEnd = at.log.scrollHeight - at.log.scrollTop - at.log.clientHeight < 80
  at.messages.append(item)
  while (at.messages.childElementCount > mostItems) at.messages.firstElementChild.remove()
  if (isAtEnd) at.log.scrollTop = at.log.scrollHeight
}

function chip (process) {
  return element('span', { class: 'chip', 'data-process': process }, process)
}
