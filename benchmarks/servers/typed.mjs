// Typed messages by hand, as the users of untyped libraries write them: parse, validate, answer in JSON.
import { Ajv } from 'ajv'
import { contracts } from '../messages.mjs'

/** Answers a value; undefined for no answer. */
export function handlerOf (work) {
  const { receive, handlers } = contracts[work]
  const validate = new Ajv().compile(receive)
  return message => validate(message) ? handlers[message.type](message) : { type: 'error', errors: validate.errors }
}

/** The same for text. */
export function textHandlerOf (work) {
  const handle = handlerOf(work)
  return text => JSON.stringify(handle(parse(text)))
}

function parse (text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
