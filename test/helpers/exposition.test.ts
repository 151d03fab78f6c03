import t from 'tap'
import { Exposition } from './exposition.ts'

const head = '# HELP a What it is.\n# TYPE a'

t.test('names, labels with escapes and values are read', async t => {
  const exposition = new Exposition(`${head} gauge\na{path="C:\\\\x\\ny\\"z",b="1"} 2.5e-7\na +Inf\n`)
  t.equal(exposition.value('a', { b: '1', path: 'C:\\x\ny"z' }), 2.5e-7)
  t.equal(exposition.value('a'), Infinity)
  t.match(exposition.families.get('a'), { help: 'What it is.', type: 'gauge' })
  t.throws(() => exposition.value('a', { b: '1' }), /no a/)
})

const refused: Readonly<Record<string, string>> = {
  'without an end of the last line': `${head} gauge\na 1`,
  'without TYPE': '# HELP a What it is.\na 1\n',
  'without HELP': '# TYPE a gauge\na 1\n',
  'of an unknown type': `${head} number\na 1\n`,
  'with a sample of another family': `${head} gauge\nb 1\n`,
  'with a sample twice': `${head} gauge\na{x="1",y="2"} 1\na{y="2",x="1"} 1\n`,
  'with a family twice': `${head} gauge\na 1\n${head} gauge\na{x="1"} 1\n`,
  'with a label twice': `${head} gauge\na{x="1",x="1"} 1\n`,
  'with a quote that is not escaped': `${head} gauge\na{x="1"2"} 1\n`,
  'with an unknown escape': `${head} gauge\na{x="\\t"} 1\n`,
  'with a value that is no number': `${head} gauge\na one\n`,
  'with a counter below 0': `${head} counter\na -1\n`,
  'with buckets that fall': `${head} histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n`,
  'with bounds that fall': `${head} histogram\na_bucket{le="2"} 1\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n`,
  'with a last bucket that does not hold all': `${head} histogram\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 1\na_sum 1\na_count 2\n`,
  'with a histogram that has no sum': `${head} histogram\na_bucket{le="+Inf"} 1\na_count 1\n`
}

for (const [title, text] of Object.entries(refused)) {
  t.test(`an exposition ${title} is refused`, async t => {
    t.throws(() => new Exposition(text))
  })
}
