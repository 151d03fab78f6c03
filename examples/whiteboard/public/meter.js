import { decode, encode } from '/msgpack/index.mjs'

const utf8 = new TextEncoder()

const codecs = {
  msgpack: {
    encode: message => encode(message, { ignoreUndefined: true }),
    decode: payload => decode(payload)
  },
  json: {
    encode: message => JSON.stringify(message),
    decode: payload => JSON.parse(payload)
  }
}

/** What messages weigh, in the codec that is spoken and in the other. */
export class Meter {
  #byType = new Map()

  /** The codec of a subprotocol, weighed. */
  codec (protocol) {
    const { encode, decode } = codecs[protocol]
    return {
      encode: message => {
        this.#weigh(message)
        return encode(message)
      },
      decode: payload => {
        const message = decode(payload)
        this.#weigh(message)
        return message
      }
    }
  }

  /** Those that were seen most often first. */
  get figures () {
    return [...this.#byType].map(([type, figures]) => ({ type, ...figures })).sort((a, b) => b.number - a.number)
  }

  #weigh (message) {
    const figures = this.#byType.get(message.type) ?? { number: 0, msgpack: 0, json: 0 }
    figures.number++
    figures.msgpack += codecs.msgpack.encode(message).length
    figures.json += utf8.encode(codecs.json.encode(message)).length
    this.#byType.set(message.type, figures)
  }
}
