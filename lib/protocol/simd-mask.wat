;; XOR of a repeated masking key, 64 bytes at a time (RFC 6455 section 5.3). simd-mask.ts holds the assembled module as base64.
(module
  ;; 64 KiB: the bytes that are being masked, from address 0
  (memory (export "memory") 1)

  ;; Masks from 0 to $end, and up to 63 bytes beyond. The first byte of the key is the lowest of $key.
  (func (export "mask") (param $end i32) (param $key i32)
    (local $at i32)
    (local $keys v128)
    (local.set $keys (i32x4.splat (local.get $key)))
    (loop $next
      (v128.store offset=0 (local.get $at) (v128.xor (v128.load offset=0 (local.get $at)) (local.get $keys)))
      (v128.store offset=16 (local.get $at) (v128.xor (v128.load offset=16 (local.get $at)) (local.get $keys)))
      (v128.store offset=32 (local.get $at) (v128.xor (v128.load offset=32 (local.get $at)) (local.get $keys)))
      (v128.store offset=48 (local.get $at) (v128.xor (v128.load offset=48 (local.get $at)) (local.get $keys)))
      (local.set $at (i32.add (local.get $at) (i32.const 64)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))))
