# The entry, as PVH leaves the machine (docs of the "x86/HVM direct boot ABI"): 32-bit protected mode, no paging, flat
# segments, no stack, ebx = address of hvm_start_info. All of .boot is linked where it is loaded, below 4 GiB.

    .section .note.pvh, "a", @note
    .align 4
    .long 4                     # length of the name
    .long 8                     # length of the value
    .long 18                    # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad pvh_entry

    .section .boot.text, "ax"
    .code32
    .globl pvh_entry
pvh_entry:
    cli
    cld
    movl %ebx, %ebp

    # 4 GiB in pages of 2 MiB: present, writable.
    movl $early_directories, %edi
    movl $0x83, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    movl $0, 4(%edi)
    addl $8, %edi
    addl $0x200000, %eax
    loop 1b

    # Four entries point to the directories.
    movl $early_low, %edi
    movl $(early_directories + 3), %eax
    movl $4, %ecx
2:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x1000, %eax
    loop 2b
    # The top 2 GiB, where the kernel is linked, are the first 2 GiB of memory.
    movl $(early_directories + 3), early_high + 510 * 8
    movl $(early_directories + 0x1003), early_high + 511 * 8
    # Where it is loaded, the direct map, and where it is linked.
    movl $(early_low + 3), early_root
    movl $(early_low + 3), early_root + 256 * 8
    movl $(early_high + 3), early_root + 511 * 8

    movl $early_root, %eax
    movl %eax, %cr3
    movl $0x620, %eax           # CR4: PAE, OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl $0xc0000080, %ecx      # EFER
    movl $0x901, %eax           # NXE, LME, SCE
    xorl %edx, %edx
    wrmsr
    movl $0x80010033, %eax      # CR0: PG, WP, NE, ET, MP, PE
    movl %eax, %cr0
    lgdt early_gdt_pointer
    ljmp $8, $long_mode

    .code64
long_mode:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movl %ebp, %edi
    movabsq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movabsq $boot_start, %rax
    callq *%rax
    ud2

    .section .boot.data, "aw"
    .align 8
early_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    # 64-bit code, ring 0
early_gdt_pointer:
    .word . - early_gdt - 1
    .long early_gdt

    .section .boot.bss, "aw", @nobits
    .align 4096
    .globl early_root
early_root:        .skip 4096
early_low:         .skip 4096
early_high:        .skip 4096
early_directories: .skip 4 * 4096

    .section .stack, "aw", @nobits
    .align 4096
    .globl boot_stack_guard
boot_stack_guard:  .skip 4096
boot_stack:        .skip 256 * 1024
    .globl boot_stack_top
boot_stack_top:

    # Later assembly of the crate goes on in this section and mode.
    .text
