import Hardware

/// Starts the processors after the first (SDM volume 3, 8.4).
enum Processors {
  /// Where the real-mode beginning is put: memory below 1 MiB that is used by nobody once the start info
  /// was read.
  private static let startPage: UInt8 = 8

  // SAFETY: written before a processor is started, read by it after that.
  nonisolated(unsafe) private static var body: () -> Void = {}

  /// Copies the beginning into place, and has each started processor call `body`, on a stack of its own and
  /// with interrupts off, and halt for good when it returns.
  static func prepare(body: @escaping () -> Void) {
    // SAFETY: no other processor runs yet.
    unsafe Processors.body = body
    PhysicalAddress(UInt64(startPage) << 12).copy(
      from: PhysicalAddress(UInt64(processor_start_address())), count: processor_start_size())
  }

  /// The first step: resets the processor, which then waits for the second. Ten milliseconds should lie
  /// between the two.
  static func initialize(id: UInt8) { LocalAPIC.sendInit(to: id) }

  /// The second step: lets the processor run. The next one may be started when this one has called `body`,
  /// because there is one place for the address of a stack. The manual's second start-up IPI is left out:
  /// it is for buses that lose the first.
  static func start(id: UInt8, number: Int) {
    expect(number < Int(processor_stack_count), "there are only \(processor_stack_count) stacks")
    select_processor_stack(Int32(number))
    LocalAPIC.sendStartup(page: startPage, to: id)
  }

  fileprivate static func runBody() {
    Interrupts.loadTable()
    // SAFETY: written before any other processor was started.
    unsafe body()
  }
}

/// Called by processor-start.S, on the started processor.
@c(processorMain)
func processorMain() { Processors.runBody() }
