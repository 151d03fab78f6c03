import { createHash } from 'node:crypto'

/*
 * The history of a channel in Redis:
 *
 *   <key>:log   a stream: entry `<offset>-0` is the message at that offset; t is when it came by Redis's clock, in milliseconds, e the bytes of its envelope
 *   <key>:pos   a hash: the epoch, the offset of the last message, and which run of Redis that was
 *   <key>:seq:<node>   a string: the epoch and the `seq` of the last message of that process, for a while
 *
 * Offsets follow each other without gaps, so that what is missing of a log is seen.
 */

/** A script, and the name that Redis gives it. */
export class Script {
  readonly text: string
  readonly sha: string

  constructor (text: string) {
    this.text = text
    this.sha = createHash('sha1').update(text).digest('hex')
  }
}

/*
 * KEYS: log, pos. ARGV: a new epoch in case one has to begin, 1 where Redis is durable, ttl, how long pos is kept.
 *
 * The first line is for Redis before 7, where what follows could else not be written after what TIME says.
 */
const open = `
if redis.replicate_commands then redis.replicate_commands() end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local pos = redis.call('HMGET', KEYS[2], 'epoch', 'offset', 'run')
local epoch, head = pos[1], tonumber(pos[2])
if not epoch or not head or (ARGV[2] ~= '1' and pos[3] ~= run) then
  epoch, head = ARGV[1], 0
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[2], 'epoch', epoch, 'offset', '0', 'run', run)
end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
local function whole (number) return string.format('%.0f', number) end
`

/**
 * KEYS[3]: seq. ARGV[5…]: how to publish, the channel, size, how long seq is kept; then seq and bytes of each message. What has been appended is skipped. All that is new is published as
 * one message: `E<epoch>:<offset of the first>:` and the bytes of all.
 */
export const appendScript = new Script(`${open}
local last = 0
local seen = redis.call('GET', KEYS[3])
if seen then
  local of, seq = string.match(seen, '^(%w+):(%d+)$')
  if of == epoch then last = tonumber(seq) end
end
local first, records = head + 1, {}
for index = 9, #ARGV, 2 do
  local seq = tonumber(ARGV[index])
  if seq > last then
    head, last = head + 1, seq
    redis.call('XADD', KEYS[1], whole(head) .. '-0', 't', whole(now), 'e', ARGV[index + 1])
    records[#records + 1] = ARGV[index + 1]
  end
end
if #records == 0 then return 0 end
redis.call('HSET', KEYS[2], 'offset', whole(head))
redis.call('SET', KEYS[3], epoch .. ':' .. whole(last), 'PX', ARGV[8])
redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', ARGV[7])
while true do
  local entry = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if not entry or (tonumber(entry[2][2]) or 0) > now - ARGV[3] then break end
  redis.call('XDEL', KEYS[1], entry[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call(ARGV[5], ARGV[6], 'E' .. epoch .. ':' .. whole(first) .. ':' .. table.concat(records))
return #records
`)

/**
 * ARGV[5…]: epoch and offset after which is read, how many entries at most. Answers epoch, head, what is not kept, now, and id, t and e of each entry.
 */
export const readScript = new Script(`${open}
local floor = head
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if oldest then floor = (tonumber(string.match(oldest[1], '^%d+')) or head + 1) - 1 end
local found = {}
if ARGV[5] == epoch and tonumber(ARGV[6]) < head then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], whole(tonumber(ARGV[6]) + 1) .. '-0', '+', 'COUNT', ARGV[7])) do
    found[#found + 1] = entry[1]
    found[#found + 1] = entry[2][2] or ''
    found[#found + 1] = entry[2][4] or ''
  end
end
return { epoch, whole(head), whole(floor), whole(now), found }
`)
