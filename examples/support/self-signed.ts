import { generateKeyPairSync, sign } from 'node:crypto'

/**
 * A key and a self-signed certificate for `localhost`, `127.0.0.1` and `::1` (RFC 5280), made anew for each run: for tests and for trying, as nobody
 * vouches for it.
 */
export function selfSigned (): { key: string, cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const version3 = der(0xa0, der(0x02, Buffer.of(2)))
  const ecdsaWithSha256 = der(0x30, Buffer.from('06082a8648ce3d040302', 'hex'))
  const commonName = der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('localhost')))
  const name = der(0x30, der(0x31, commonName))
  const validity = der(0x30, der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z')))
  const names = der(0x30, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.of(127, 0, 0, 1)), der(0x87, Buffer.alloc(16).fill(1, 15)))
  const subjectAltName = der(0x30, Buffer.from('0603551d11', 'hex'), der(0x04, names))
  const extensions = der(0xa3, der(0x30, subjectAltName))
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' })
  const toBeSigned = der(0x30, version3, der(0x02, Buffer.of(1)), ecdsaWithSha256, name, validity, name, publicKeyInfo, extensions)
  const signature = sign('sha256', toBeSigned, privateKey)
  const certificate = der(0x30, toBeSigned, ecdsaWithSha256, der(0x03, Buffer.of(0), signature))
  return {
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`
  }
}

/** One value of ASN.1 in its distinguished encoding. */
function der (tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const header = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(header), content])
}
