import { Converter, makeRecursiveVisitor } from 'typedoc'

/*
 * A plugin of typedoc. The compiler has the members of a union in the order in which it met them anywhere in the program, so that a change of one file would
 * rewrite the reference of another. Here they are in the order of their names, null and undefined at the end.
 */

/** @param {import('typedoc').Application} app */
export function load (app) {
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const reflection of Object.values(project.reflections)) {
      for (const type of [reflection.type, reflection.default, ...reflection.extendedTypes ?? []]) type?.visit(sorter)
    }
  })
}

const sorter = makeRecursiveVisitor({ union: union => { union.types.sort((a, b) => compare(rankOf(a), rankOf(b))) } })

function rankOf (type) {
  const name = type.toString()
  return (name === 'null' || name === 'undefined' ? '1' : '0') + name
}

function compare (a, b) {
  return a === b ? 0 : a < b ? -1 : 1
}
