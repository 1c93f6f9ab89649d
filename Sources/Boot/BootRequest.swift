import GuestMemory

/// What the user wants to be booted.
package struct BootRequest: Sendable {
  package var kernel: ImageFile
  /// The ELF file that the kernel, a bzImage, unpacks to, which is booted in its place; nil: a bzImage unpacks itself.
  package var unpacked: ImageFile?
  /// Linux: the initial ramdisk. PVH and multiboot: the first module.
  package var initrd: ImageFile?
  package var modules: [Module] = []
  /// Handed to the kernel as it is; nil stands for ``defaultLinuxCommandLine`` where a Linux kernel boots, else for "".
  package var commandLine: String?
  /// Which console the default is for.
  package var console = Console.serial
  /// Forces a protocol; nil looks into the file.
  package var bootProtocol: BootProtocol?
  /// Flat images: where the first byte goes.
  package var loadAddress = GuestAddress(0x7c00)
  /// Flat images: where execution starts, nil for the load address.
  package var entry: GuestAddress?

  /// A file for the kernel, with a text that says what it is for.
  package struct Module: Sendable {
    package var file: ImageFile
    package var string: String
    /// What a person knows it as.
    let name: String

    package init(file: ImageFile, string: String = "") { self.init(file, string, name: "the module") }

    init(_ file: ImageFile, _ string: String = "", name: String) {
      self.file = file
      self.string = string
      self.name = name
    }
  }

  package init(kernel: ImageFile) { self.kernel = kernel }

  /// The console that a kernel is to use.
  package enum Console: Sendable {
    /// The first serial port.
    case serial
    /// The first virtio console, and the serial port until its driver is there, which may be a module.
    case virtio

    fileprivate var linuxParameters: String {
      switch self {
      case .serial: "console=ttyS0"
      case .virtio: "earlycon=uart8250,io,0x3f8 console=hvc0"
      }
    }
  }

  /// The log on the console, and a panic that ends the run instead of waiting for somebody at the keyboard. Nothing
  /// else: Linux finds the rest of the machine in its tables.
  package var defaultLinuxCommandLine: String { console.linuxParameters + " panic=-1" }

  /// The protocol that the user forces, or else the one that the kernel's file shows.
  package func resolvedProtocol() throws(BootError) -> BootProtocol {
    if let bootProtocol { return bootProtocol }
    return try BootProtocol(detecting: kernel)
  }

  /// The initrd and the modules, as protocols see them that know only modules.
  var allModules: [Module] {
    (initrd.map { [Module($0, name: "the initrd")] } ?? []) + modules
  }
}
