const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

/** 1,234 or 2.5 */
export function count (value) {
  return value >= 10 || Number.isInteger(value) ? whole.format(value) : tenths.format(value)
}

/** 12.3 KiB */
export function bytes (value) {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? whole.format(value) : short.format(value)} ${units[unit]}`
}

/** 12.3 % */
export function share (value) {
  return `${short.format(Math.round(value * 1000) / 10)} %`
}

/** 1 d 2 h, 3 min 4 s */
export function duration (milliseconds) {
  const seconds = Math.round(milliseconds / 1000)
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']].map(([size, unit], index, all) => [Math.floor((index === 0 ? seconds : seconds % all[index - 1][0]) / size), unit])
  const first = parts.findIndex(([value]) => value > 0)
  return first === -1 ? '0 s' : parts.slice(first, first + 2).map(([value, unit]) => `${value} ${unit}`).join(' ')
}

export const formats = { count, bytes, share }

/** What the codes and statuses that a server of this example uses mean. */
export const meanings = {
  'connections.closed': {
    1000: 'normal',
    1001: 'going away',
    1003: 'kind of data',
    1005: 'no code',
    1006: 'lost',
    1007: 'not UTF-8, or not JSON',
    1008: 'policy',
    1009: 'too big',
    1011: 'server error',
    1013: 'try again later',
    4401: 'expired',
    4408: 'idle'
  },
  'upgrades.refused': {
    400: 'bad request',
    401: 'unauthorized',
    403: 'other origin',
    404: 'no such route',
    426: 'upgrade required',
    429: 'too many of one',
    503: 'not available'
  },
  'connections.byRoute': {}
}
