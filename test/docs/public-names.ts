import { join } from 'node:path'
import ts from 'typescript'
import { packageRoot } from '../helpers/paths.ts'

/** The source of each entry of the package. */
export const entries = {
  'fastify-typed-ws': 'lib/index.ts',
  'fastify-typed-ws/asyncapi': 'lib/asyncapi/index.ts',
  'fastify-typed-ws/client': 'lib/client/index.ts',
  'fastify-typed-ws/cluster': 'lib/rooms/node-cluster/index.ts',
  'fastify-typed-ws/metrics': 'lib/metrics/index.ts',
  'fastify-typed-ws/nats': 'lib/rooms/nats/index.ts',
  'fastify-typed-ws/redis': 'lib/rooms/redis/index.ts'
} as const

export type Entry = keyof typeof entries

/** The public names, as the compiler sees them: of values and of types. */
export class PublicNames {
  readonly #program: ts.Program
  readonly #checker: ts.TypeChecker

  constructor () {
    const { config } = ts.readConfigFile(join(packageRoot, 'tsconfig.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, packageRoot)
    this.#program = ts.createProgram(Object.values(entries).map(file => join(packageRoot, file)), options)
    this.#checker = this.#program.getTypeChecker()
  }

  /** What an entry exports, but the default and what `require` answers, which is the same. */
  exportsOf (entry: Entry): string[] {
    return [...this.#symbolsOf(entry).keys()].filter(name => name !== 'default' && name !== 'module.exports').sort()
  }

  /** The members of an exported interface; inherited ones where they are declared in types/, too. */
  membersOf (entry: Entry, name: string): string[] {
    const symbol = this.#symbolsOf(entry).get(name)
    if (symbol === undefined) throw new Error(`${entry} exports no ${name}`)
    return this.#ownNames(this.#checker.getDeclaredTypeOfSymbol(symbol).getProperties())
  }

  /** What this package adds to an interface of Fastify. */
  addedTo (name: 'FastifyInstance' | 'FastifyRequest'): string[] {
    const symbol = this.#exportsOf(this.#fileOf('fastify')).get(name)
    if (symbol === undefined) throw new Error(`Fastify has no ${name}`)
    return this.#ownNames([...symbol.members?.values() ?? []])
  }

  #symbolsOf (entry: Entry): Map<string, ts.Symbol> {
    return this.#exportsOf(this.#program.getSourceFile(join(packageRoot, entries[entry])))
  }

  #fileOf (library: string): ts.SourceFile | undefined {
    return this.#program.getSourceFiles().find(({ fileName }) => fileName.endsWith(`/node_modules/${library}/${library}.d.ts`))
  }

  #exportsOf (file: ts.SourceFile | undefined): Map<string, ts.Symbol> {
    const module = file && this.#checker.getSymbolAtLocation(file)
    if (module === undefined) throw new Error('no module')
    return new Map(this.#checker.getExportsOfModule(module).map(symbol => {
      const own = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : this.#checker.getAliasedSymbol(symbol)
      return [symbol.name, own]
    }))
  }

  /** Without what comes from elsewhere, type parameters, and iterators. */
  #ownNames (symbols: readonly ts.Symbol[]): string[] {
    return symbols
      .filter(({ name, flags, declarations }) => !name.startsWith('__') && (flags & ts.SymbolFlags.TypeParameter) === 0 &&
        declarations?.some(declaration => declaration.getSourceFile().fileName.startsWith(join(packageRoot, 'types'))))
      .map(({ name }) => name)
      .sort()
  }
}
