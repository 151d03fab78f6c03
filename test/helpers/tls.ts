export { selfSigned } from '../../examples/support/self-signed.ts'
