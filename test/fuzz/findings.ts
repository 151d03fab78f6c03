import type { Finding } from './fuzz.ts'

/** The longest piece that is printed whole, in bytes. */
const longestDump = 512

/** A finding as it is printed: how to see it again, what is wrong, and the bytes that show it. */
export function report ({ target, seed, number, error, pieces }: Finding): string {
  return [
    `finding: target ${target}, seed ${seed}, case ${number}`,
    `  again: npm run fuzz -- --only ${target} --seed ${seed} --case ${number}`,
    ...(error instanceof Error ? error.stack ?? error.message : String(error)).split('\n').slice(0, 40).map(line => `  ${line}`),
    ...pieces.flatMap((piece, index) => [`  piece ${index}, ${piece.length} bytes`, ...dump(piece)])
  ].join('\n')
}

/** Sixteen bytes a line, in hexadecimal and in ASCII. */
function dump (bytes: Buffer): string[] {
  const lines = []
  for (let at = 0; at < Math.min(bytes.length, longestDump); at += 16) {
    const row = bytes.subarray(at, at + 16)
    const ascii = row.toString('latin1').replace(/[^\x20-\x7e]/g, '.')
    lines.push(`    ${at.toString(16).padStart(4, '0')}  ${row.toString('hex').replace(/(..)/g, '$1 ').padEnd(48)} ${ascii}`)
  }
  if (bytes.length > longestDump) lines.push(`    … and ${bytes.length - longestDump} more`)
  return lines
}
