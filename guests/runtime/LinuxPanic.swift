/// Prints the last lines of a Linux kernel that found no root file system, as they look on a serial
/// console.
///
/// - Parameter pause: called after the panic's first line, where a slow machine spends its time.
func printLinuxPanic(pause: () -> Void = {}) {
  say("[    1.234567] VFS: Cannot open root device \"vda\" or unknown-block(0,0): error -6")
  say("[    1.234602] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)")
  pause()
  say("[    1.234671] CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.1.0 #1")
  say("[    1.234735] Call Trace:")
  say("[    1.234752]  <TASK>")
  say("[    1.234768]  panic+0x118/0x2ed")
  say("[    1.234790]  mount_block_root+0x1d5/0x1ec")
  say("[    1.234816]  </TASK>")
  say("[    1.234830] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0) ]---")
}
