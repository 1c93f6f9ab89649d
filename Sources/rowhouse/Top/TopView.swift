import Machine
import Metering

/// What `rowhouse top` shows, as lines of text: the same for the same figures and the same size.
struct TopView {
  struct Guest {
    let name: String
    let state: GuestFolder.State
    let cpus: Int
    let memoryBytes: UInt64
    let history: GuestHistory
  }

  enum Order: Character, CaseIterable {
    case cpu = "c", memory = "m", disk = "d", network = "n", name = "a"

    fileprivate var figure: GuestHistory.Figure? {
      switch self {
      case .cpu: .cpu
      case .memory: .memory
      case .disk: .disk
      case .network: .network
      case .name: nil
      }
    }

    var word: String { "\(self)" }
  }

  let guests: [Guest]
  let order: Order
  let limits: HostLimits

  private static let stateWidth = 8
  /// Of a figure in per cent, and of one in bytes.
  private static let shareWidth = 6
  private static let bytesWidth = 8
  private static let waitsWidth = 5

  /// The columns that give way to the width of a screen.
  private struct Layout {
    /// Of the names; a longer one is cut.
    var name = Self.names.upperBound
    /// Of each sparkline; 0: there are none.
    var spark = 0

    private static let names = 11...16
    /// A sparkline that is shorter says nothing.
    private static let leastSpark = 4

    /// - Parameter width: nil: there is no screen, and so are no sparklines.
    init(_ width: Int?) {
      guard let width else { return }
      // What is left beside the others goes to the names first, but that there shall be sparklines.
      let others = (1 + stateWidth) + (1 + shareWidth) + 3 * (1 + bytesWidth) + (1 + waitsWidth)
      func names(beside spark: Int) -> Int { width - others - 4 * (1 + spark) }
      if names(beside: Self.leastSpark) < Self.names.lowerBound {
        name = min(max(width - others, Self.names.lowerBound), Self.names.upperBound)
      } else {
        name = min(names(beside: Self.leastSpark), Self.names.upperBound)
        spark = min((width - others - name) / 4 - 1, GuestHistory.length)
      }
    }
  }

  /// - Parameters:
  ///   - columns: the width that there is; nil: as much as it takes.
  ///   - rows: the height; nil: as much as it takes.
  func lines(columns: Int? = nil, rows: Int? = nil) -> [String] {
    let layout = Layout(columns)
    var lines = [summary, head(layout)] + sorted.map { line($0, layout) }
    if let rows { lines = lines.cut(toRows: rows) }
    return columns.map { lines.cut(toColumns: $0) } ?? lines
  }

  private var sorted: [Guest] {
    guests.sorted { left, right in
      guard let figure = order.figure else { return left.name < right.name }
      let (one, other) = (left.history.now(figure), right.history.now(figure))
      return one == other ? left.name < right.name : one > other
    }
  }

  private func sum(_ figure: GuestHistory.Figure) -> Double { guests.reduce(0) { $0 + $1.history.now(figure) } }

  private var summary: String {
    let memory = "\(Self.bytes(sum(.memory))) of \(HumanQuantity.bytes(limits.memoryBytes))"
    let cpu = "\(Self.percent(sum(.cpu))) of \(Percentage.format(limits.cpuBasisPoints))"
    return "\(guests.count) guests  cpu \(cpu)  memory \(memory)  by \(order.word)"
  }

  private func head(_ layout: Layout) -> String {
    let figures = zip(GuestHistory.Figure.allCases, ["CPU", "MEMORY", "DISK/s", "NET/s"]).map { figure, title in
      " " + Self.left(title, width: Self.width(figure)) + Self.beside(String(repeating: " ", count: layout.spark))
    }
    return Self.right("NAME", width: layout.name) + " " + Self.right("STATE", width: Self.stateWidth)
      + figures.joined() + " " + Self.left("WAITS", width: Self.waitsWidth)
  }

  private func line(_ guest: Guest, _ layout: Layout) -> String {
    let history = guest.history
    let figures = GuestHistory.Figure.allCases.map { figure in
      let now = history.now(figure)
      let isKnown = guest.state != .silent || !figure.isSampled
      let text = !isKnown ? "-" : figure == .cpu ? Self.percent(now) : Self.bytes(now)
      let most =
        switch figure {
        case .cpu: Double(guest.cpus)
        case .memory: Double(guest.memoryBytes)
        case .disk, .network: history[figure].max() ?? 0
        }
      return " " + Self.left(text, width: Self.width(figure))
        + Self.beside(Sparkline(history[figure], most: most, width: layout.spark).text)
    }
    let waited = guest.state == .silent ? "-" : Self.percent(history.throttled, decimals: 0)
    let waits = Self.left(waited, width: Self.waitsWidth)
    return Self.right(guest.name, width: layout.name) + " " + Self.right(guest.state.rawValue, width: Self.stateWidth)
      + figures.joined() + " " + waits
  }

  private static func width(_ figure: GuestHistory.Figure) -> Int { figure == .cpu ? shareWidth : bytesWidth }

  /// A sparkline as it stands beside its figure.
  private static func beside(_ spark: String) -> String { spark.isEmpty ? "" : " " + spark }

  /// "12.5%", and from ten CPUs on "1250%".
  private static func percent(_ share: Double, decimals: Int = 1) -> String {
    (share * 100).fixed(share < 9.9995 ? decimals : 0) + "%"
  }
  private static func bytes(_ bytes: Double) -> String { HumanQuantity.bytes(UInt64(saturating: bytes)) }

  /// Cut or filled up to a width.
  private static func right(_ text: String, width: Int) -> String {
    text.count > width ? text.prefix(width - 1) + "…" : text + String(repeating: " ", count: width - text.count)
  }

  private static func left(_ text: String, width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

/// The last values of a figure as a row of bars, eight heights each.
struct Sparkline {
  let text: String
  private static let bars = Array("▁▂▃▄▅▆▇█")

  /// - Parameter most: the value that has a full bar.
  init(_ values: [Double], most: Double, width: Int) {
    let shown = values.suffix(width)
    let bars = shown.map { value -> Character in
      guard most > 0, value > 0 else { return Self.bars[0] }
      return Self.bars[min(Self.bars.count - 1, Int(min(value / most, 1) * Double(Self.bars.count)))]
    }
    text = String(repeating: " ", count: width - shown.count) + String(bars)
  }
}
