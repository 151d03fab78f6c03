/** Messages as elements. */

import { element } from './element.js'

/** Messages of one person within this time stand together, in milliseconds. */
const sameBreath = 3 * 60_000

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })

/** A disc with the initials of a name, in the colour that belongs to it. */
export function avatar (name) {
  return dress(element('span', { class: 'avatar', 'aria-hidden': 'true' }), name)
}

export function dress (disc, name) {
  disc.textContent = initialsOf(name)
  disc.style.setProperty('--hue', String(hueOf(name)))
  return disc
}

/** The elements of a message, which depend on the one before it. */
export function renderMessage (said, before, ownName) {
  const time = new Date(said.time)
  const isNewDay = before === undefined || new Date(before.time).toDateString() !== time.toDateString()
  const isFirst = isNewDay || before.username !== said.username || time - new Date(before.time) > sameBreath
  const isOwn = said.username === ownName

  const item = element('li', { class: `message${isOwn ? ' own' : ''}${isFirst ? ' first' : ''}` })
  const stamp = element('time', { datetime: said.time, title: time.toLocaleString() }, timeFormat.format(time))
  const head = element('p', { class: 'head' }, element('span', { class: 'author' }, isOwn ? 'You' : said.username), stamp)
  if (!isFirst) head.classList.add('visually-hidden')
  item.append(head, element('p', { class: 'bubble' }, said.message))
  if (isFirst && !isOwn) item.prepend(avatar(said.username))
  if (!isNewDay) return [item]
  return [element('li', { class: 'day' }, element('span', {}, nameOfDay(time))), item]
}

function nameOfDay (time) {
  const yesterday = new Date()
  yesterday.setDate(yesterday.getDate() - 1)
  if (time.toDateString() === new Date().toDateString()) return 'Today'
  if (time.toDateString() === yesterday.toDateString()) return 'Yesterday'
  return dayFormat.format(time)
}

function initialsOf (name) {
  const words = name.trim().split(/\s+/)
  const letters = words.length > 1 ? [words[0], words.at(-1)].map(word => [...word][0]) : [...words[0]].slice(0, 2)
  return letters.join('').toUpperCase()
}

function hueOf (name) {
  let hash = 0
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 3600
  return hash / 10
}
