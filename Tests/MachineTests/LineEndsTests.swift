import Host
import Testing

@testable import Machine

/// Bare line feeds on a terminal, of guests that send nothing else and of those that mean what they send.
@Suite struct LineEndsTests {
  /// A terminal that does nothing by itself.
  private let terminal: PseudoTerminal
  private let far: SharedDescriptor

  init() throws {
    terminal = try PseudoTerminal()
    far = SharedDescriptor(try .open(terminal.path, [.readWrite, .noControllingTerminal, .nonBlocking]))
  }

  /// What becomes of pieces, one after the other.
  private func shown(_ pieces: String..., at number: Int32? = nil) -> String {
    var ends = LineEnds(at: number ?? far.number)
    return String(decoding: pieces.flatMap { ends.added(to: Array($0.utf8)) }, as: UTF8.self)
  }

  @Test("A guest that sends none has carriage returns added")
  func added() {
    #expect(shown("one\ntwo\n\n") == "one\r\ntwo\r\n\r\n")
    #expect(shown("one", "\n", "two\r", "\n\n") == "one\r\ntwo\r\n\r\n")
    #expect(shown("key\r\n", "one\ntwo\n") == "key\r\none\r\ntwo\r\n")
  }

  @Test("What a guest says that ends its lines itself stays as it is, cursor movements too")
  func whole() {
    let lines = String(repeating: "line\r\n", count: 4)
    #expect(shown(lines, "\u{1b}[2;10Hx\ny\n") == lines + "\u{1b}[2;10Hx\ny\n")
    #expect(shown("a\r", "\nb\r\nc\r\nd\r", "\n", "\n") == "a\r\nb\r\nc\r\nd\r\n\n")
  }

  @Test("Nothing is added where the terminal does it, or where there is none")
  func elsewhere() throws {
    let cooked = SharedDescriptor(try .open("/dev/ptmx", [.readWrite, .noControllingTerminal]))
    #expect(try TerminalMode(of: cooked.number).returnsAtLineFeed)
    #expect(try !TerminalMode(of: far.number).returnsAtLineFeed)
    #expect(shown("one\ntwo\n", at: cooked.number) == "one\ntwo\n")
    let pipe = try Pipe()
    #expect(shown("one\ntwo\n", at: pipe.writing.number) == "one\ntwo\n")
  }

  @Test("A terminal that takes some at a time gets the same")
  func slowTerminal() throws {
    var random = SystemRandomNumberGenerator()
    let words = ["\n", "\n\n", "\r", "word", "\r\nword"]
    let said = (0..<20_000).flatMap { _ in Array(words.randomElement(using: &random)!.utf8) }
    var (ends, model) = (LineEnds(at: far.number), LineEnds(at: far.number))
    let sink = ByteSink(far)
    var (left, shown): ([UInt8], [UInt8]) = (said, [])
    var refusals = 0
    while !left.isEmpty {
      do {
        // SAFETY: the array's own memory, for the call.
        let taken = unsafe try left.withUnsafeBytes { unsafe try ends.write($0, to: sink) }
        left.removeFirst(taken)
      } catch let error as SystemCallError where error.errno == .again {
        refusals += 1
        shown += try terminal.controlling.descriptor.read(atMost: .random(in: 1...3000, using: &random))
      }
    }
    while let rest = try? terminal.controlling.descriptor.read(atMost: 4096), !rest.isEmpty { shown += rest }
    #expect(shown == model.added(to: said))
    #expect(refusals > 3)
  }
}
