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
 * A script that fails is not undone, so that whatever may be refused comes first. Where memory is at its bound, Redis refuses what takes more of it only as long as the script has
 * changed nothing: HSET comes before DEL, and `stay` after all else.
 *
 * The first line is for Redis before 7, where what follows could else not be written after what TIME says.
 */
const open = `
if redis.replicate_commands then redis.replicate_commands() end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local function begin ()
  redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'offset', '0', 'run', run)
  redis.call('DEL', KEYS[1])
  return ARGV[1], 0
end
local function stay () redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
local function whole (number) return string.format('%.0f', number) end
local function may (...)
  if redis.acl_check_cmd and not redis.acl_check_cmd(...) then error({ err = 'NOPERM the user may not ' .. table.concat({ ... }, ' ') }) end
end
may('HSET', KEYS[2])
may('DEL', KEYS[1])
may('PEXPIRE', KEYS[2])
may('XRANGE', KEYS[1])
local pos = redis.call('HMGET', KEYS[2], 'epoch', 'offset', 'run')
local epoch, head = pos[1], tonumber(pos[2])
local isLost = not epoch or not head or (ARGV[2] ~= '1' and pos[3] ~= run)
`

/**
 * KEYS[3]: seq. ARGV[5…]: how to publish, the channel, size, how long seq is kept; then seq and bytes of each message. What has been appended is skipped. All that is new is published as
 * one message: `E<epoch>:<offset of the first>:` and the bytes of all.
 */
export const appendScript = new Script(`${open}
may('XADD', KEYS[1])
may('SET', KEYS[3])
may('XTRIM', KEYS[1])
may('XDEL', KEYS[1])
may('PEXPIRE', KEYS[1])
may(ARGV[5], ARGV[6])
local seen = redis.call('GET', KEYS[3])
if isLost then epoch, head = begin() end
local last = 0
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
stay()
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
 * ARGV[5…]: epoch and offset after which is read, and after how many bytes the rest is left to the next one. Answers epoch, head, what is not kept, now, and id, t and e of each entry.
 */
export const readScript = new Script(`${open}
if isLost then epoch, head = begin() end
stay()
local floor = head
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if oldest then floor = (tonumber(string.match(oldest[1], '^%d+')) or head + 1) - 1 end
local found = {}
if ARGV[5] == epoch and tonumber(ARGV[6]) < head then
  local from, bytes, entries = whole(tonumber(ARGV[6]) + 1) .. '-0', 0
  repeat
    entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 16)
    for _, entry in ipairs(entries) do
      found[#found + 1] = entry[1]
      found[#found + 1] = entry[2][2] or ''
      found[#found + 1] = entry[2][4] or ''
      from, bytes = '(' .. entry[1], bytes + 100 + #found[#found]
    end
  until #entries < 16 or bytes > tonumber(ARGV[7])
end
return { epoch, whole(head), whole(floor), whole(now), found }
`)
