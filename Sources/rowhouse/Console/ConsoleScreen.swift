import Glibc
import Host
import Machine

/// Where a person sees a guest's console, standard output: what the guest says, and, if that is a terminal, notices
/// between. Nobody waits for a terminal that takes nothing.
final class ConsoleScreen {
  private let output: StreamWriter
  private var lineEnds = LineEnds(at: STDOUT_FILENO)
  /// Nil: nothing that is shown is answered, or the answers come to the guest.
  private var filter: QueryFilter?
  /// Nil: standard output is no terminal, and gets what the guest says and nothing else.
  private var state: ScreenState?
  /// Whether standard error is that terminal as well.
  private let hasNotices: Bool

  /// What is kept of output that the terminal has not taken. Beyond that it waits in the VMM, which has its own limit.
  private static let mostOutput = 64 << 10

  /// - Parameter isAnswered: whether what a terminal answers is typed for the guest.
  init(isAnswered: Bool, on loop: EventLoop) throws(SystemCallError) {
    output = StreamWriter(to: try .standard(STDOUT_FILENO), limit: Self.mostOutput, loop: loop)
    filter = isAnswered ? nil : GuestWords.filter
    state = isatty(STDOUT_FILENO) == 1 ? ScreenState() : nil
    hasNotices = state != nil && Self.isSameTerminal(STDOUT_FILENO, STDERR_FILENO)
  }

  private static func isSameTerminal(_ one: Int32, _ other: Int32) -> Bool {
    var (first, second) = (stat(), stat())
    // SAFETY: both are local variables of the type that the call fills.
    guard unsafe isatty(other) == 1 && fstat(one, &first) == 0 && fstat(other, &second) == 0 else { return false }
    return first.st_rdev == second.st_rdev
  }

  /// Called when there is room again after there was none, and when nobody reads any more.
  var whenChanged: () -> Void {
    get { output.whenChanged }
    set { output.whenChanged = newValue }
  }

  var hasRoom: Bool { output.hasRoom }
  /// Whether all that was said has been taken, as far as it ever will be.
  var isDone: Bool { output.isEmpty || output.isClosed }
  /// Why nothing more is taken; nil while it is.
  var failure: Errno? { output.failure }

  /// Shows what the guest says.
  func show(_ bytes: [UInt8]) { write(lineEnds.added(to: filter?.passed(bytes) ?? bytes)) }

  /// Tells the person something, on a line of its own.
  func say(_ notice: String) {
    guard hasNotices, let state else { return StandardError.say(notice) }
    write(Array((state.lineBreak(returningAtLineFeed: !lineEnds.isOver) + StandardError.line(notice)).utf8))
  }

  private func write(_ bytes: [UInt8]) {
    state?.note(bytes)
    output.write(bytes)
  }

  /// Has the terminal be as a shell is used to it. What it has not taken by now is let go.
  func leave() {
    output.letGo()
    undo()
  }

  private func undo() {
    if let undoing = state?.undo(returningAtLineFeed: !lineEnds.isOver) { output.write(undoing) }
  }

  /// Leaves the terminal to others for a while.
  ///
  /// - Returns: what takes it back.
  func lend() -> () -> Void {
    let lent = state
    undo()
    return { [unowned self] in
      if let lent { write(lent.redoing) }
    }
  }
}
