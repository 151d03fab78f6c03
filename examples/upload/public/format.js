const units = ['bytes', 'KiB', 'MiB']

/** Such as `1.25 MiB`. */
export function bytes (number) {
  const power = Math.min(units.length - 1, number < 1 ? 0 : Math.floor(Math.log2(number) / 10))
  return `${(number / 1024 ** power).toLocaleString('en', { maximumSignificantDigits: 3 })} ${units[power]}`
}

export function duration (milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`
}

export function hex (buffer) {
  return [...new Uint8Array(buffer)].map(byte => byte.toString(16).padStart(2, '0')).join('')
}
