import { FST_ERR_WS_ASYNCAPI } from '../errors.ts'

export type ToYaml = (value: unknown) => string

/**
 * The package `yaml`, where it is installed.
 *
 * @param asked whether the application has asked for it
 * @returns null where it is not installed
 * @throws FST_ERR_WS_ASYNCAPI where it is asked for, and not installed
 */
export async function loadYaml (asked: boolean): Promise<ToYaml | null> {
  try {
    const { stringify } = await import('yaml')
    return value => stringify(value, { lineWidth: 0 })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    if (asked) throw new FST_ERR_WS_ASYNCAPI('the option yaml needs the package yaml, which is not installed')
    return null
  }
}
