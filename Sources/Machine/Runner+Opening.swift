import Glibc
import Host
import Metering

/// What a runner takes from the host before there is a machine.
extension Runner {
  static func enterControlGroup(_ configuration: Configuration) throws(MachineError) -> ControlGroup? {
    guard let path = configuration.controlGroup else { return nil }
    do throws(ConfigurationError) {
      let group = try ControlGroup(path, for: configuration.cpuAllotment)
      try group.enter(configuration.cpuAllotment)
      return group
    } catch {
      throw .configuration(error)
    }
  }

  static func openFolder(_ configuration: Configuration) throws(MachineError) -> OpenFolder? {
    guard let path = configuration.folder else { return nil }
    do throws(SystemCallError) { return try OpenFolder(path) } catch where error.errno.isShortage {
      throw .shortage(path, error.errno)
    } catch {
      throw .configuration(ConfigurationError("--folder \(path)", "\(error)"))
    }
  }

  static func openMeter(
    _ configuration: Configuration, _ folder: OpenFolder?
  ) throws(MachineError) -> (SharedDescriptor?, MeterPage) {
    let path = configuration.meter ?? folder?.path(of: .meter)
    do throws(SystemCallError) {
      var file: SharedDescriptor?
      if let path {
        let opened = SharedDescriptor(try .open(path, [.readWrite, .create], permissions: 0o600))
        // Says that this program lives: a lock ends with its holder, and no other process is ever taken for it.
        try opened.descriptor.lockByte(0)
        file = opened
      }
      let page = try MeterPage(
        in: file, configuration.meterShape, memoryBytes: configuration.memoryBytes, process: getpid())
      return (file, page)
    } catch where error.errno.isShortage {
      throw .shortage(configuration.folder ?? "the guest's meter", error.errno)
    } catch {
      throw .configuration(ConfigurationError("--meter \(path ?? "")", "\(error)"))
    }
  }
}
