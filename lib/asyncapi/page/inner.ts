import { make, makeButton, makeSelect } from './dom.ts'
import { makeControl } from './form.ts'
import type { Control, Inner, Place } from './form.ts'
import { asObject } from './model/pointer.ts'
import type { Field } from './model/schema.ts'
import { fits } from './model/value.ts'

type FieldOf<Kind extends Field['kind']> = Extract<Field, { kind: Kind }>

/** What a field is filled in with. */
export function makeInner (field: Field, place: Place): Inner {
  switch (field.kind) {
    case 'text': return makeText(field)
    case 'number': return makeNumber(field)
    case 'boolean': return makeChoice([true, false])
    case 'constant': return makeChoice([field.value])
    case 'choice': return makeChoice(field.values)
    case 'object': return makeObject(field, place)
    case 'array': return makeArray(field, place)
    case 'record': return makeRecord(field, place)
    case 'union': return makeUnion(field, place)
    case 'json': return makeJson()
  }
}

const examples: Readonly<Record<string, string>> = {
  'date-time': '2030-01-31T12:00:00Z', date: '2030-01-31', time: '12:00:00Z', email: 'name@example.com', uri: 'https://example.com', uuid: '00000000-0000-4000-8000-000000000000', ipv4: '192.0.2.1'
}

/** An empty text is left out: who wants to send one writes JSON. */
function makeText ({ format, example, isLong }: FieldOf<'text'>): Inner {
  const placeholder = example === '' ? examples[format] : example
  const element = isLong ? make('textarea', { rows: 2, placeholder }) : make('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder })
  return plain(element, () => element.value === '' ? undefined : element.value, value => { element.value = value === undefined ? '' : String(value) })
}

function makeNumber ({ step, least, most }: FieldOf<'number'>): Inner {
  const element = make('input', { type: 'number', step, min: least, max: most })
  return plain(element, () => element.value === '' ? undefined : Number(element.value), value => { element.value = value === undefined ? '' : String(value) })
}

function makeChoice (values: readonly unknown[]): Inner {
  const element = makeSelect(['–', ...values.map(value => typeof value === 'string' ? value : JSON.stringify(value))])
  return plain(element, () => values[Number(element.value) - 1], value => { element.value = String(values.indexOf(value) + 1) })
}

function makeJson (): Inner {
  const element = make('textarea', { rows: 3, class: 'json', spellcheck: 'false', placeholder: 'JSON' })
  return plain(
    element,
    () => element.value.trim() === '' ? undefined : JSON.parse(element.value),
    value => { element.value = value === undefined ? '' : JSON.stringify(value, null, 2) }
  )
}

function plain (element: HTMLElement, read: () => unknown, write: (value: unknown) => void): Inner {
  return { element, isGroup: false, read, write, mark: () => false, clear: () => {} }
}

function makeObject ({ properties }: FieldOf<'object'>, place: Place): Inner {
  const parts = new Map(properties.map(({ name, schema, required }) => [name, makeControl(schema, name, required, place)]))
  return {
    element: make('div', { class: 'parts' }, ...[...parts.values()].map(({ element }) => element)),
    isGroup: true,
    read: () => Object.fromEntries([...parts].map(([name, part]) => [name, part.read()]).filter(([, value]) => value !== undefined)),
    write: value => { for (const [name, part] of parts) part.write(asObject(value)[name]) },
    mark: ([name, ...rest], message) => {
      const part = parts.get(name)
      part?.mark(rest, message)
      return part !== undefined && !part.element.hidden
    },
    clear: () => { for (const part of parts.values()) part.clear() }
  }
}

function makeArray ({ items, least }: FieldOf<'array'>, place: Place): Inner {
  const parts: Control[] = []
  const list = make('ol', { class: 'items' })
  const add = (above: readonly unknown[] = []): Control => {
    const part = makeControl(items, 'Item', true, { ...place, above })
    const row = make('li', {}, part.element)
    row.append(makeButton('Remove', () => {
      parts.splice(parts.indexOf(part), 1)
      row.remove()
    }, { class: 'quiet' }))
    parts.push(part)
    list.append(row)
    return part
  }
  for (let count = 0; count < least; count++) add(place.above)
  return {
    element: make('div', {}, list, makeButton('Add an item', () => focusIn(add().element), { class: 'quiet' })),
    isGroup: true,
    read: () => parts.map(part => part.read() ?? null),
    write: value => {
      parts.splice(0)
      list.replaceChildren()
      for (const item of Array.isArray(value) ? value : []) add().write(item)
    },
    mark: ([index, ...rest], message) => {
      const part = parts[Number(index)]
      part?.mark(rest, message)
      return part !== undefined
    },
    clear: () => { for (const part of parts) part.clear() }
  }
}

/** An object whose properties have names of the user's. */
function makeRecord ({ values }: FieldOf<'record'>, place: Place): Inner {
  const entries: Array<{ name: HTMLInputElement, part: Control }> = []
  const list = make('ul', { class: 'items' })
  const add = (named = ''): Control => {
    const part = makeControl(values, 'Value', true, { ...place, above: [] })
    const name = make('input', { type: 'text', 'aria-label': 'Name', placeholder: 'name', autocomplete: 'off' })
    name.value = named
    const entry = { name, part }
    const row = make('li', { class: 'entry' }, name, part.element)
    row.append(makeButton('Remove', () => {
      entries.splice(entries.indexOf(entry), 1)
      row.remove()
    }, { class: 'quiet' }))
    entries.push(entry)
    list.append(row)
    return part
  }
  return {
    element: make('div', {}, list, makeButton('Add an entry', () => {
      add()
      entries.at(-1)?.name.focus()
    }, { class: 'quiet' })),
    isGroup: true,
    read: () => Object.fromEntries(entries.map(({ name, part }) => [name.value, part.read() ?? null])),
    write: value => {
      entries.splice(0)
      list.replaceChildren()
      for (const [name, one] of Object.entries(asObject(value))) add(name).write(one)
    },
    mark: ([named, ...rest], message) => {
      const entry = entries.find(({ name }) => name.value === named)
      entry?.part.mark(rest, message)
      return entry !== undefined
    },
    clear: () => { for (const { part } of entries) part.clear() }
  }
}

function makeUnion ({ members }: FieldOf<'union'>, place: Place): Inner {
  const choice = makeSelect(members.map(({ title }) => title), { 'aria-label': 'Kind' })
  const body = make('div')
  let part: Control | null = null
  const show = (): Control => {
    const { schema, title } = members[Number(choice.value)]
    part = makeControl(schema, title, true, place)
    body.replaceChildren(part.element)
    return part
  }
  choice.addEventListener('change', show)
  show()
  return {
    element: make('div', { class: 'union' }, choice, body),
    isGroup: true,
    read: () => part?.read(),
    write: value => {
      choice.value = String(Math.max(0, members.findIndex(({ schema }) => fits(value, schema, place.root))))
      show().write(value)
    },
    mark: (path, message) => {
      part?.mark(path, message)
      return part !== null
    },
    clear: () => part?.clear()
  }
}

function focusIn (element: HTMLElement): void {
  element.querySelector<HTMLElement>('input, select, textarea, button')?.focus()
}
