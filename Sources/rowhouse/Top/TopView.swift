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
  let cpuCount: Int
  let memoryBytes: UInt64

  private static let nameWidth = 16
  private static let figureWidth = 9
  /// A sparkline that is shorter says nothing.
  private static let leastSpark = 4

  /// - Parameters:
  ///   - columns: the width that there is; nil: as much as it takes.
  ///   - rows: the height; nil: as much as it takes.
  func lines(columns: Int? = nil, rows: Int? = nil) -> [String] {
    let width = columns ?? 80
    // What is left beside name, state, four figures and throttling goes to four sparklines.
    let fixed = Self.nameWidth + 1 + 8 + 4 * (Self.figureWidth + 1) + 6
    let room = min(GuestHistory.length, (width - fixed) / 4 - 1)
    let spark = room < Self.leastSpark ? 0 : room
    var lines = [summary, head(spark)] + sorted.map { line($0, spark) }
    if let rows, lines.count > rows, rows > 0 {
      let hidden = lines.count - rows + 1
      lines = Array(lines.prefix(rows - 1)) + ["… \(hidden) more guests"]
    }
    return columns.map { width in lines.map { String($0.prefix(width)) } } ?? lines
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
    let memory = "\(Self.bytes(sum(.memory))) of \(HumanQuantity.bytes(memoryBytes))"
    let cpu = "\(Self.percent(sum(.cpu))) of \(cpuCount)00%"
    return "\(guests.count) guests  cpu \(cpu)  memory \(memory)  by \(order.word)"
  }

  private func head(_ spark: Int) -> String {
    let figures = ["CPU", "MEMORY", "DISK/s", "NET/s"].map { Self.left($0, width: Self.figureWidth) + Self.gap(spark) }
    return Self.right("NAME", width: Self.nameWidth) + " " + Self.right("STATE", width: 8) + figures.joined() + " WAITS"
  }

  private func line(_ guest: Guest, _ spark: Int) -> String {
    let history = guest.history
    let figures = GuestHistory.Figure.allCases.map { figure in
      let now = history.now(figure)
      let text = figure == .cpu ? Self.percent(now) : Self.bytes(now)
      let most =
        switch figure {
        case .cpu: Double(guest.cpus)
        case .memory: Double(guest.memoryBytes)
        case .disk, .network: history[figure].max() ?? 0
        }
      let line = spark == 0 ? "" : " " + Sparkline(history[figure], most: most, width: spark).text
      return Self.left(text, width: Self.figureWidth) + line + " "
    }
    let waits = Self.left(Self.percent(history.throttled, decimals: 0), width: 6)
    return Self.right(guest.name, width: Self.nameWidth) + " " + Self.right(guest.state.rawValue, width: 8)
      + figures.joined() + waits
  }

  private static func percent(_ share: Double, decimals: Int = 1) -> String {
    (share * 100).fixed(decimals) + "%"
  }
  private static func bytes(_ bytes: Double) -> String { HumanQuantity.bytes(UInt64(saturating: bytes)) }
  private static func gap(_ spark: Int) -> String { String(repeating: " ", count: spark == 0 ? 1 : spark + 2) }

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
