import { Names } from './names.ts'

/** A URL of Fastify as AsyncAPI writes it. */
export interface Address {
  /** Such as `/rooms/{room}`. */
  readonly address: string
  readonly parameters: readonly Parameter[]
}

export interface Parameter {
  /** Its name in the address. */
  readonly name: string
  /** Its name in `request.params`. */
  readonly key: string
  /** A pattern that it has to match, without the parentheses; null for none. */
  readonly pattern: string | null
  readonly isOptional: boolean
}

/** Reads `/rooms/:room`, `/files/*`, `/:hour(^\\d+$)h:minute`, `/:id?` and `/a::b` as Fastify's router does. */
export function toAddress (url: string): Address {
  const names = new Names()
  const parameters: Parameter[] = []
  let address = ''
  let index = 0
  while (index < url.length) {
    const char = url[index]
    if (char === ':' && url[index + 1] === ':') {
      address += ':'
      index += 2
    } else if (char === ':') {
      const key = /^[^/.(-]*/.exec(url.slice(index + 1))?.[0] ?? ''
      index += 1 + key.length
      const pattern = url[index] === '(' ? inParentheses(url, index) : null
      if (pattern !== null) index += pattern.length + 2
      const isOptional = pattern === null && key.endsWith('?')
      const bare = isOptional ? key.slice(0, -1) : key
      const name = names.take(bare.replace(/[^\w-]+/g, '_') || 'parameter')
      parameters.push({ name, key: bare, pattern, isOptional })
      address += `{${name}}`
    } else if (char === '*') {
      const name = names.take('wildcard')
      parameters.push({ name, key: '*', pattern: null, isOptional: false })
      address += `{${name}}`
      index++
    } else {
      address += char
      index++
    }
  }
  return { address, parameters }
}

/** What is between a parenthesis and the one that closes it. */
function inParentheses (url: string, start: number): string {
  let depth = 0
  for (let index = start; index < url.length; index++) {
    if (url[index] === '\\') index++
    else if (url[index] === '(') depth++
    else if (url[index] === ')' && --depth === 0) return url.slice(start + 1, index)
  }
  return url.slice(start + 1)
}
