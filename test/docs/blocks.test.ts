import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { parse } from 'yaml'
import t from 'tap'
import ts from 'typescript'
import { packageRoot } from '../helpers/paths.ts'
import { blocksOf } from './code.ts'
import type { Block } from './code.ts'

/* What is shown and not compiled. Where something stronger looks at it, the comment names it. */

const pages = ['README.md', 'CONTRIBUTING.md', 'examples/README.md', ...readdirSync(join(packageRoot, 'docs')).filter(file => file.endsWith('.md')).map(file => `docs/${file}`)]

interface Manifest { name: string, scripts: Record<string, string>, dependencies: object, devDependencies: object, peerDependencies: object }
const manifest: Manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
/** Tools that a page has npx fetch: with their scope, so that no other package can have taken the name. */
const fetched = ['@asyncapi/cli']
const packages = [manifest.name, ...[manifest.dependencies, manifest.devDependencies, manifest.peerDependencies].flatMap(Object.keys)]

/** What is wrong with a block, by its language; nothing: null. */
const checks: Record<string, (code: string) => string | null> = {
  ts: () => null,                                          // code.test.ts compiles it
  js: problemOfModule,                                     // started.test.ts and dialogues.test.ts run it
  html: code => problemOf(() => scriptsIn(code).map(script => new Script(script))),
  json: code => problemOf(() => JSON.parse(code)),         // dialogues.test.ts compares it
  yaml: code => problemOf(() => parse(code)),
  sh: code => commandsOf(code).map(problemOfCommand).find(problem => problem !== null) ?? null,
  nginx: () => null,                                       // test/e2e/proxies.test.ts runs it
  haproxy: () => null,                                     // the same
  redis: () => null,                                       // redis-settings.test.ts
  nats: () => null,                                        // nats-settings.test.ts
  http: () => null,                                        // what is on the wire
  frame: () => null,                                       // how-websockets-work.test.ts reads it
  accept: () => null,                                      // the same
  xor: () => null,                                         // the same
  text: () => null                                         // drawings, formulas; dialogues.test.ts holds those with → and ←
}

function problemOf (action: () => unknown): string | null {
  try {
    action()
    return null
  } catch (error) {
    return String(error)
  }
}

function scriptsIn (html: string): string[] {
  return [...html.matchAll(/<script>([^]*?)<\/script>/g)].map(([, script]) => script)
}

function problemOfModule (code: string): string | null {
  const { diagnostics = [] } = ts.transpileModule(code, { reportDiagnostics: true, fileName: 'code.js', compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext, allowJs: true } })
  return diagnostics.length === 0 ? null : ts.flattenDiagnosticMessageText(diagnostics[0].messageText, ' ')
}

/** The commands of a shell's block, without variables before them and comments behind. */
function commandsOf (code: string): string[] {
  return code.replaceAll('\\\n', ' ').split('\n').flatMap(line => line.replace(/(?:^|\s)#.*$/, '').split('&&')).map(command => command.trim().replace(/^(?:\w+=\S* )+/, '')).filter(command => command !== '')
}

/** What of a command is not there: a script, a package, a file. */
function problemOfCommand (command: string): string | null {
  const [program, ...args] = command.split(/\s+/)
  if (program === 'npm') return problemOfNpm(args)
  if (program === 'npx' || program === 'node') {
    const [target] = args.filter(arg => !arg.startsWith('-') && /[./]/.test(arg))
    if (program === 'npx' && fetched.includes(args[0])) return null
    if (program === 'npx' && !existsSync(join(packageRoot, 'node_modules/.bin', args[0]))) return `there is no ${args[0]}`
    return target === undefined || existsSync(join(packageRoot, sourceOf(target))) ? null : `there is no ${target}`
  }
  return ['mkdir', 'cd', 'curl', 'git', 'docker', 'kill'].includes(program) ? null : `${program} is no known command`
}

function problemOfNpm ([verb, ...args]: string[]): string | null {
  if (verb === 'install' || verb === 'i') {
    return args.filter(arg => !arg.startsWith('-') && !packages.includes(arg)).map(name => `${name} is no package that this one knows`).at(0) ?? null
  }
  if (['ci', 'init', 'pkg'].includes(verb)) return null
  const script = verb === 'run' ? args[0] : verb
  return Object.hasOwn(manifest.scripts, script) ? null : `there is no script ${script}`
}

/** What a compiled file was made of. */
function sourceOf (file: string): string {
  return file.replace(/^\.build\/(.*)\.js$/, '$1.ts').replace(/^dist\/(.*)\.js$/, '$1.ts')
}

function problemsOf (page: string, blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ line, language, code }) => {
    const check = Object.hasOwn(checks, language) ? checks[language] : () => language === '' ? 'it says no language' : `nothing checks ${language}`
    const problem = check(code)
    return problem === null ? [] : [`${page}:${line}: ${problem}`]
  })
}

t.test('every block says what it is, and is that', async t => {
  for (const page of pages) t.same(problemsOf(page, blocksOf(page)), [], page)
})

t.test('commands within the text are there', async t => {
  for (const page of [...pages, 'CHANGELOG.md']) {
    const prose = readFileSync(join(packageRoot, page), 'utf8').replace(/^```[^]*?^```/gm, '')
    const commands = [...prose.matchAll(/`((?:\w+=\S* )*npm (?:run|test|start)\b[^`]*)`/g)].flatMap(([, code]) => commandsOf(code)).filter(command => !command.includes('…'))
    t.same(commands.map(problemOfCommand).filter(problem => problem !== null), [], page)
  }
})

t.test('what is wrong would be noticed', async t => {
  const block = (language: string, code: string): Block => ({ line: 1, language, code })
  const wrong = [
    block('', 'x'), block('cobol', 'x'), block('js', 'const = 1'), block('json', "{ 'a': 1 }"), block('yaml', 'a: [1'), block('html', '<script>if</script>'),
    block('sh', 'A=1 npm run nothing  # that'), block('sh', 'npm install left-pad'), block('sh', 'npm ci && node .build/examples/none/server.js'), block('sh', 'brew install x'), block('sh', 'npx nothing'), block('sh', 'npx @nobody/nothing')
  ]
  t.equal(problemsOf('page', wrong).length, wrong.length)
  const right = [
    block('js', 'await 1; const x = y => y'), block('json', '{ "a": 1 }'), block('yaml', 'a: [1]'), block('html', '<script>a()</script>'),
    block('sh', 'A=1 npm run lint  # that\nnpm ci && npm test'), block('sh', 'npm install fastify-typed-ws fastify'), block('sh', 'node .build/examples/chat/server.js'), block('sh', 'npx @asyncapi/cli validate asyncapi.yaml')
  ]
  t.same(problemsOf('page', right), [])
})
