import { FST_ERR_WS_OPTION } from './errors.ts'

/** The longest delay that a timer of Node takes. */
export const maxDelay = 2 ** 31 - 1

/** @throws FST_ERR_WS_OPTION */
export function checkWhole (name: string, value: unknown, least: number, most: number): void {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new FST_ERR_WS_OPTION(name, `must be a whole number from ${least} to ${most}`)
  }
}

/**
 * A number of milliseconds; null for `false`, which stands for never.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function resolveDuration (name: string, value: number | false): number | null {
  if (value === false) return null
  checkWhole(name, value, 1, maxDelay)
  return value
}

/**
 * That an option is an object, and has no fields but these.
 *
 * @throws FST_ERR_WS_OPTION
 */
export function checkFields (name: string, option: unknown, fields: readonly string[]): void {
  if (typeof option !== 'object' || option === null || Array.isArray(option)) throw new FST_ERR_WS_OPTION(name, `must be an object with ${inWords(fields, 'or')}`)
  for (const field of Object.keys(option)) {
    if (!fields.includes(field)) throw new FST_ERR_WS_OPTION(`${name}.${field}`, `is not an option: ${inWords(fields, 'and')} are`)
  }
}

function inWords (names: readonly string[], last: string): string {
  return names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} ${last} ${names[names.length - 1]}`
}
