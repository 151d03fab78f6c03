export interface Sample {
  /** That of the family, or with `_bucket`, `_sum` or `_count` behind it. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly samples: readonly Sample[]
}

/** The text format of Prometheus, 0.0.4. */
export class Exposition {
  readonly families: ReadonlyMap<string, Family>

  /** Throws where the text is not as the format wants it, or says what cannot be. */
  constructor (text: string) {
    this.families = parse(text)
  }

  /** The one value with these labels, all of them. */
  value (name: string, labels: Readonly<Record<string, string>> = {}): number {
    const found = this.#samples(name).find(sample => key(sample) === key({ name, labels }))
    if (found === undefined) throw new Error(`no ${key({ name, labels })}`)
    return found.value
  }

  /** Values other than 0 by their only label. */
  byLabel (name: string): Record<string, number> {
    return Object.fromEntries(this.#samples(name).filter(({ value }) => value !== 0).map(({ labels, value }) => [Object.values(labels).join(), value]))
  }

  #samples (name: string): Sample[] {
    return [...this.families.values()].flatMap(({ samples }) => samples).filter(sample => sample.name === name)
  }
}

type OpenFamily = Family & { readonly samples: Sample[] }

const helpLine = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/
const typeLine = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?|[+-]Inf|NaN|Nan)$/
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"(,|$)/y

function parse (text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, OpenFamily>()
  const seen = new Set<string>()
  let help: { name: string, text: string } | null = null
  let open: OpenFamily | null = null
  for (const line of text.split('\n')) {
    if (line === '') continue
    const helped = helpLine.exec(line)
    const typed = typeLine.exec(line)
    if (helped !== null) {
      help = { name: helped[1], text: helped[2] }
      open = null
    } else if (typed !== null) {
      if (help === null || help.name !== typed[1]) throw new Error(`no HELP before: ${line}`)
      if (families.has(help.name)) throw new Error(`a second time: ${line}`)
      open = { name: help.name, help: help.text, type: typed[2], samples: [] }
      families.set(open.name, open)
    } else {
      const sample = parseSample(line)
      if (open === null || !belongs(sample, open)) throw new Error(`of no family, or not of this one: ${line}`)
      if (seen.has(key(sample))) throw new Error(`a second time: ${line}`)
      seen.add(key(sample))
      open.samples.push(sample)
    }
  }
  for (const family of families.values()) check(family)
  return families
}

function parseSample (line: string): Sample {
  const match = sampleLine.exec(line)
  if (match === null) throw new Error(`no sample: ${line}`)
  const [, name, labels = '', value] = match
  return { name, labels: parseLabels(labels, line), value: Number(value.replace('Inf', 'Infinity')) }
}

function parseLabels (text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  label.lastIndex = 0
  while (label.lastIndex < text.length) {
    const match = label.exec(text)
    if (match === null || Object.hasOwn(labels, match[1])) throw new Error(`labels are wrong: ${line}`)
    labels[match[1]] = match[2].replace(/\\(.)/g, (_, escaped) => escaped === 'n' ? '\n' : escaped)
  }
  return labels
}

function belongs ({ name }: Sample, family: Family): boolean {
  if (family.type !== 'histogram' && family.type !== 'summary') return name === family.name
  return name.startsWith(family.name) && ['', '_bucket', '_sum', '_count'].includes(name.slice(family.name.length))
}

function check (family: Family): void {
  if (family.type === 'counter' && family.samples.some(({ value }) => !(value >= 0))) throw new Error(`${family.name} counts below 0`)
  if (family.type === 'histogram') checkHistogram(family)
}

/** Each histogram of a family: buckets that rise, in bounds and in counts, up to all that was counted. */
function checkHistogram ({ name, samples }: Family): void {
  const histograms = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le, ...labels } = sample.labels
    if ((le !== undefined) !== (sample.name === `${name}_bucket`)) throw new Error(`le is of buckets, and buckets have one: ${key(sample)}`)
    const of = key({ name, labels })
    histograms.set(of, [...histograms.get(of) ?? [], sample])
  }
  for (const [of, parts] of histograms) {
    const buckets = parts.filter(part => part.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => Number(labels.le.replace('Inf', 'Infinity')))
    const counts = buckets.map(({ value }) => value)
    const count = parts.find(part => part.name === `${name}_count`)?.value
    if (!rises(bounds) || !rises(counts)) throw new Error(`buckets of ${of} do not rise`)
    if (bounds.at(-1) !== Infinity || counts.at(-1) !== count) throw new Error(`the last bucket of ${of} does not hold all`)
    if (parts.filter(part => part.name === `${name}_sum`).length !== 1) throw new Error(`${of} has no sum`)
  }
}

function rises (numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number >= numbers[index - 1])
}

function key ({ name, labels }: Pick<Sample, 'name' | 'labels'>): string {
  return name + JSON.stringify(Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1))
}
